package import Bulletins
import GRDB
package import Storage

extension SQLiteStore: IntakeStore {
    package func publishers(named slugs: Set<String>) async throws(StoreError) -> [String: Publisher] {
        try await read { db in
            var found: [String: Publisher] = [:]
            for slug in slugs {
                if let row = try db.row("SELECT * FROM publishers WHERE slug = ?", [slug]) {
                    found[slug] = try row.publisher()
                }
            }
            return found
        }
    }

    package func record(_ messages: [IncomingBulletin], now: Timestamp) async throws(StoreError) -> [IntakeOutcome] {
        // Computed before the transaction, since other writers wait for that.
        let targets = messages.map { message in
            if case .accepted(let accepted) = message.judgement { accepted.bulletin.targets } else { "" }
        }
        return try await write { db in
            let recorder = try IntakeRecorder(db: db, now: now)
            return try zip(messages, targets).map { try recorder.record($0, targets: $1) }
        }
    }

    package func rehearse(_ bulletins: [AcceptedBulletin], now: Timestamp) async throws(StoreError)
        -> [RehearsedOutcome]
    {
        try await read { db in
            var lineage = try LineageJudge(db)
            return try bulletins.map { accepted in
                switch try lineage.rehearse(accepted) {
                case .new: .accepted(FirstState.of(accepted, now: now))
                case .duplicate: .duplicate
                case .rejected(let rejection): .rejected(rejection)
                }
            }
        }
    }
}

extension Bulletin {
    /// The legs as the fan-out's SQL reads them: `[field, from, to, reach, after]`; see `MatchWalk`.
    var targets: String {
        var text = "["
        text.reserveCapacity(64 * regions.count * (fields.count + 2) * 3)
        for leg in routingLegs {
            // A field's slug needs no escapes.
            text +=
                "\(text.utf8.count > 1 ? "," : "")[\"\(leg.field)\",\(leg.regions.lowerBound),\(leg.regions.upperBound),\(leg.reachMask),-1]"
        }
        return text + "]"
    }
}

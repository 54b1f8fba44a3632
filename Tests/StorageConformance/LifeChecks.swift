import Bulletins
import Storage

/// The conditions that hold at rest.
extension LifeWorld {
    func check() async throws {
        let rows = try await rows()
        let sends = receivers.sends
        // One row for an endpoint and revision.
        expect(
            Set(rows.map { "\($0.bulletin) \($0.revision) \($0.address)" }).count == rows.count,
            "two rows of a revision to an endpoint")
        let taken = Dictionary(grouping: sends.filter(\.wasTaken), by: \.delivery)
        for row in rows { checkRow(row, taken[row.number] ?? []) }
        expect(receivers.violations.isEmpty, "\(receivers.violations) got something after it was forbidden")
        checkThreads(rows, sends)
        let wanted = Set(truth.subs.map { "\($0.address) \($0.region) \($0.field.code)" })
        let found = Set(
            try await store.subscriptions(limit: 10_000).map(\.subscription).map {
                "\($0.endpoint.address) \($0.region) \($0.field)"
            })
        expect(wanted == found, "subscriptions: \(wanted.symmetricDifference(found))")
    }

    /// Truthful: what was taken is delivered, once unless its worker died, and nothing else is.
    private func checkRow(_ row: DeliveryRow, _ taken: [Receivers.Send]) {
        let certain = taken.filter { !$0.isInDoubt }.count
        let allowed = 1 + repeats[row.number, default: 0]
        expect(certain <= allowed, "delivery \(row.number) was taken \(certain) times")
        expect(row.state != .sending, "delivery \(row.number) is under way at rest")
        let wasRepeated = repeats[row.number] != nil
        switch row.state {
        case .delivered, .bounced: expect(!taken.isEmpty, "delivery \(row.number) is \(row.state), and was not taken")
        default: expect(wasRepeated || certain == 0, "delivery \(row.number) is \(row.state), and was taken")
        }
        guard let revision = truth.revision(row) else {
            return expect(false, "delivery \(row.number) is of \(row.bulletin), which was not recorded")
        }
        for send in taken {
            expect(revision.expiresAt.map { send.at < $0 } ?? true, "\(row.bulletin) was sent after it had expired")
            expect(revision.publishAt.map { time.latest >= $0 } ?? true, "\(row.bulletin) was sent before its time")
        }
        // No time is further ahead than the longest pause, or the longest window.
        guard row.state == .pending, let due = row.dueAt else { return }
        let limit = time.now + (row.digestAt == nil ? .seconds(26 * 3600) : .seconds(8 * 86_400))
        expect(due <= limit, "delivery \(row.number) waits until \(due.text), and it is \(time.now.text)")
    }

    /// At no endpoint an earlier revision comes after a later one, and what goes on from something comes only to who may
    /// have got that, or whom it was meant for.
    private func checkThreads(_ rows: [DeliveryRow], _ sends: [Receivers.Send]) {
        let byNumber = Dictionary(uniqueKeysWithValues: rows.map { ($0.number, $0) })
        let there = Set(rows.map { "\($0.bulletin.id) \($0.revision) \($0.address)" })
        var newest: [String: Int64] = [:]
        var got = Set(
            rows.filter { perhapsGot.contains($0.number) }.map { "\($0.bulletin.id) \($0.revision) \($0.address)" })
        for send in sends where send.wasTaken {
            guard let row = byNumber[send.delivery], let revision = truth.revision(row) else { continue }
            let key = "\(row.address) \(row.bulletin)"
            // A delivery that was under way when its worker stopped may arrive at any time.
            if repeats[row.number] == nil, !send.isInDoubt {
                expect(row.revision >= newest[key] ?? 0, "\(key): revision \(row.revision) after \(newest[key] ?? 0)")
            }
            if !send.isInDoubt { newest[key] = max(newest[key] ?? 0, row.revision) }
            let isMeant = truth.everSubs.contains { $0.address == row.address && revision.matches($0) }
            let thread = truth.thread(of: revision).map { "\($0) \(row.address)" }
            // An answer comes in one digest with its proposal, also if that is taken out of it.
            let isHeard =
                thread.contains(where: got.contains)
                || revision.answers != nil && thread.contains(where: there.contains)
            // An erased endpoint's row has another name.
            if truth.everSubs.contains(where: { $0.address == row.address }) {
                expect(
                    isHeard || isMeant && !revision.isWithdrawal,
                    "\(row.address) got \(revision.id) \(revision.revision), and nothing that it goes on from")
            }
            got.insert("\(revision.id) \(revision.revision) \(row.address)")
        }
    }

    /// Each bulletin has its last receipt, once for each time that it came to its end.
    func checkReceipts() async throws {
        var ids: [String] = []
        var bulletins: Set<String> = []
        for message in try await store.outboxMessages(after: 0, limit: 100_000) {
            guard case .receipt("completed", _, let body) = message.content,
                case .object(let receipt) = try JSONParser.parse(body), case .string(let id)? = receipt["id"]
            else { continue }
            ids.append(id)
            // The store's number of the bulletin begins it.
            if let number = id.split(separator: ".").dropFirst().first { bulletins.insert(String(number)) }
        }
        expect(Set(ids).count == ids.count, "a receipt twice")
        let missing = try await store.bulletins(id: nil, limit: 10_000).map(\.stored).filter {
            $0.state != .rejected && !bulletins.contains(String($0.number))
        }
        expect(missing.isEmpty, "no last receipt of \(missing.map { "\($0.id.id) \($0.revision) \($0.state)" })")
    }
}

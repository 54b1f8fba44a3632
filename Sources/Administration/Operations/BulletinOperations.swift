package import Bulletins
package import Runtime
package import Storage

/// Looks at bulletins, and decides about those that are held or wrong.
package struct BulletinOperations {
    package typealias Desk = IntakeStore & OperatorStore

    let principal: Principal
    let store: any Desk
    let clock: WallClock

    package init(_ principal: Principal, store: any Desk, clock: WallClock = .system) {
        (self.principal, self.store, self.clock) = (principal, store, clock)
    }

    /// The rows hold the text of their bulletins, up to 64 KiB each.
    private static let largestPage = 200

    /// Newest first, one row per revision.
    package func list(_ request: PageRequest<Int64>) async throws -> Page<BulletinRow, Int64> {
        try principal.require(.read)
        return try await Page.read(request, largest: Self.largestPage, cursor: { $0.stored.number }) { last, limit in
            try await store.bulletins(id: nil, before: last ?? .max, limit: limit)
        }
    }

    /// A bulletin's revisions, newest first, and then the thread around it: a proposal's answers, newest first; for an
    /// answer its proposal.
    package func show(_ id: BulletinID) async throws -> [BulletinView] {
        try principal.require(.readBulletins(of: id.publisher))
        let revisions = try await revisions(of: id)
        var views = revisions.map { BulletinView(relation: .revision, row: $0) }
        views += try await store.answers(to: id).map { BulletinView(relation: .answer, row: $0) }
        guard let proposal = try revisions[0].stored.bulletin().inReplyTo else { return views }
        return views
            + (try await store.bulletins(id: proposal, limit: 1)).map {
                BulletinView(relation: .proposal, row: $0)
            }
    }

    /// Lets a held bulletin go out, and returns its new state.
    package func approve(_ id: BulletinID) async throws -> BulletinState {
        try principal.require(.change)
        let (newest, now) = (try await revisionToDecide(of: id), clock.now)
        if newest.stored.state == .held, let expiry = newest.expiresAt, expiry <= now {
            throw OperationError.conflict("\(id) expired at \(expiry.text) and is not sent any more")
        }
        guard let state = try await store.approve(id, now: now) else { throw notHeld(newest) }
        return state
    }

    /// Ends a held bulletin. Its publisher is told `why`.
    package func reject(_ id: BulletinID, why: String) async throws {
        try principal.require(.change)
        let why = try TypedText.reason(why)
        let newest = try await revisionToDecide(of: id)
        guard try await store.reject(id, why: why, now: clock.now) else { throw notHeld(newest) }
    }

    private func notHeld(_ row: BulletinRow) -> OperationError {
        .conflict("\(row.stored.id) is not held; it is \(row.stored.state.rawValue)")
    }

    /// Records a withdrawal as the next revision, as if the publisher had sent it.
    package func withdraw(_ id: BulletinID, why: String) async throws {
        try principal.require(.publish(as: id.publisher))
        let why = try TypedText.reason(why)
        let newest = try await revisions(of: id)[0].stored
        guard newest.state != .withdrawn else { throw OperationError.conflict("\(id) is withdrawn already") }
        let withdrawal = try AcceptedBulletin.withdrawal(of: newest.payload, revision: newest.revision, why: why)
        let message = IncomingBulletin(
            judgement: .accepted(withdrawal), body: withdrawal.payload, size: UInt64(withdrawal.payload.count),
            claimedID: newest.id, queue: "operator", envelope: StoredEnvelope(routingKey: ""))
        if case .rejected(let reason) = try await store.record([message], now: clock.now).first {
            throw OperationError.conflict("\(id) cannot be withdrawn: \(reason.rawValue); was it corrected just now?")
        }
    }

    /// Refuses bulletins whose publishers the store knows under another AMQP user. The broker would confirm them, and
    /// intake would refuse them a moment later.
    package func requireUser(_ user: String, of bulletins: [PublishedBulletin]) async throws {
        let names = Set(bulletins.compactMap { $0.bulletin?["publisher"]?.stringValue })
        for name in names { try principal.require(.publish(as: name)) }
        let others = try await store.publishers(named: names).values.filter { $0.amqpUser != user }
        guard let other = others.min(by: { $0.slug < $1.slug }) else { return }
        throw OperationError.conflict(
            "nothing is sent: \(other.slug) is registered for the AMQP user \(other.amqpUser), and amqp.url has the user \(user), so intake would refuse it as publisher-mismatch",
            advice: "publish with the address of \(other.amqpUser) in KENTONGAN_AMQP_URL")
    }

    /// All revisions, newest first; at least one.
    func revisions(of id: BulletinID) async throws -> [BulletinRow] {
        let found = try await store.bulletins(id: id, limit: Int.max)
        guard !found.isEmpty else { throw OperationError.unknownBulletin(id) }
        return found
    }

    /// The revision that an operator decides about: the newest that was not rejected, or the newest if all were.
    private func revisionToDecide(of id: BulletinID) async throws -> BulletinRow {
        let all = try await revisions(of: id)
        return all.first { $0.stored.state != .rejected } ?? all[0]
    }
}

/// A bulletin's revision, as a part of the answer to "show this bulletin".
package struct BulletinView: Sendable {
    package enum Relation: String, Sendable {
        case revision, answer, proposal
    }

    package let relation: Relation
    package let row: BulletinRow
}

extension OperationError {
    static func unknownBulletin(_ id: BulletinID) -> OperationError {
        .unknown("there is no bulletin \(id)", advice: "list them with: kentongan bulletins list")
    }
}

extension OperatorStore {
    /// Throws unless some revision of the bulletin is stored.
    func requireBulletin(_ id: BulletinID?) async throws {
        guard let id, try await bulletins(id: id, limit: 1).isEmpty else { return }
        throw OperationError.unknownBulletin(id)
    }
}

import Bulletins
package import Intake
package import Runtime
package import Storage

/// Looks at messages that intake refused, and has them judged again.
package struct RejectedOperations {
    package typealias Desk = IntakeStore & OperatorStore

    let principal: Principal
    let store: any Desk
    let clock: WallClock

    package init(_ principal: Principal, store: any Desk, clock: WallClock = .system) {
        (self.principal, self.store, self.clock) = (principal, store, clock)
    }

    /// The rows hold the bodies of their messages, up to 256 KiB each.
    private static let largestPage = 100

    /// Newest first.
    package func list(_ request: PageRequest<Int64>) async throws -> Page<RejectedMessage, Int64> {
        try principal.require(.read)
        return try await Page.read(request, largest: Self.largestPage, cursor: \.number) { last, limit in
            try await store.rejections(before: last ?? .max, limit: limit)
        }
    }

    package func show(_ number: Int64) async throws -> RejectedMessage {
        try principal.require(.read)
        return try await message(number)
    }

    /// Judges a rejected message again by the registries of today, and records it if it is good now. One that is still bad
    /// stays as it is: a second rejection on record would be told its publisher a second time.
    package func requeue(_ number: Int64, judge: MessageJudge) async throws -> IntakeOutcome {
        try principal.require(.change)
        let (message, now) = (try await message(number), clock.now)
        if let requeuedAt = message.requeuedAt {
            throw OperationError.conflict("\(number) was requeued at \(requeuedAt.text) already")
        }
        let judged = try await judgement(of: message, by: judge, now: now)
        if let rejection = try await rejection(of: judged, now: now) {
            throw OperationError.conflict(
                "\(number) is still refused as \(rejection.reason.rawValue): \(rejection.sentence)")
        }
        guard let outcome = try await store.record([judged], now: now).first else {
            throw StoreError.failed("message \(number) was recorded without an outcome")
        }
        if case .rejected(let reason) = outcome {
            throw OperationError.conflict("\(number) is refused as \(reason.rawValue)")
        }
        try await store.markRequeued(number, now: now)
        return outcome
    }

    private func message(_ number: Int64) async throws -> RejectedMessage {
        guard let found = try await store.rejection(number) else {
            throw OperationError.unknown(
                "there is no refused message \(number)", advice: "list them with: kentongan rejected list")
        }
        return found
    }

    private func judgement(of message: RejectedMessage, by judge: MessageJudge, now: Timestamp) async throws
        -> IncomingBulletin
    {
        let opened = judge.open(message.body, size: UInt64(message.size), message.envelope)
        let publishers = try await store.publishers(named: Set([opened.publisher].compactMap(\.self)))
        return judge.judge(opened, publisher: publishers[opened.publisher ?? ""], queue: message.queue, now: now)
    }

    /// The rejection by the message itself, or by the revisions that the store holds.
    private func rejection(of message: IncomingBulletin, now: Timestamp) async throws -> Rejection? {
        switch message.judgement {
        case .rejected(let rejection): return rejection
        case .accepted(let accepted):
            guard case .rejected(let rejection) = try await store.rehearse([accepted], now: now).first else {
                return nil
            }
            return rejection
        }
    }
}

extension Rejection {
    /// All errors in one line.
    fileprivate var sentence: String { errors.map { "\($0.path) \($0.message)" }.joined(separator: "; ") }
}

import ArgumentParser
import Bulletins
import Runtime
import Storage

extension BulletinsCommand {
    struct Approve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lets a held bulletin go out.")

        @OptionGroup var options: CommonOptions
        @Argument(help: "PUBLISHER/ID") var id: String

        func run() async throws {
            let store = try await CommandContext(options).store()
            let newest = try await store.newestRevisionNotRejected(of: id)
            let now = WallClock.system.now
            if newest.stored.state == .held, let expiry = newest.expiresAt, expiry <= now {
                throw RefusedInput("\(id) expired at \(expiry.text) and is not sent any more")
            }
            guard let state = try await store.approve(newest.stored.id, now: now) else {
                throw RefusedInput("\(id) is not held; it is \(newest.stored.state.rawValue)")
            }
            Output.line("\(id) is \(state.rawValue)")
        }
    }

    struct Reject: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Ends a held bulletin; its publisher is told why.")

        @OptionGroup var options: CommonOptions
        @Argument(help: "PUBLISHER/ID") var id: String
        @Option(help: "What the publisher is told.") var why: String

        func run() async throws {
            let why = try TypedText.reason(why)
            let store = try await CommandContext(options).store()
            let newest = try await store.newestRevisionNotRejected(of: id)
            guard try await store.reject(newest.stored.id, why: why, now: WallClock.system.now) else {
                throw RefusedInput("\(id) is not held; it is \(newest.stored.state.rawValue)")
            }
            Output.line("\(id) is rejected")
        }
    }

    struct Withdraw: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Withdraws a bulletin in its publisher's stead.",
            discussion: "Records a further revision with the status withdrawn, as a publisher's own withdrawal.")

        @OptionGroup var options: CommonOptions
        @Argument(help: "PUBLISHER/ID") var id: String
        @Option(help: "Why, for whoever got it; at most 500 characters.") var why: String

        func run() async throws {
            let why = try TypedText.reason(why)
            let store = try await CommandContext(options).store()
            let newest = try await store.newestRevision(of: id)
            guard newest.stored.state != .withdrawn else { throw RefusedInput("\(id) is withdrawn already") }
            let withdrawal = try AcceptedBulletin.withdrawal(
                of: newest.stored.payload, revision: newest.stored.revision, why: why)
            let message = IncomingBulletin(
                judgement: .accepted(withdrawal), body: withdrawal.payload, size: UInt64(withdrawal.payload.count),
                claimedID: newest.stored.id, queue: "operator", envelope: StoredEnvelope(routingKey: ""))
            if case .refused(let reason) = try await store.record([message], now: WallClock.system.now).first {
                throw RefusedInput("\(id) cannot be withdrawn: \(reason.rawValue); was it corrected just now?")
            }
            Output.line("\(id) is withdrawn")
        }
    }
}

extension OperatorStore {
    /// All revisions of `PUBLISHER/ID`, newest first.
    func revisions(of text: String) async throws -> [BulletinRow] {
        let id = try BulletinID(typed: text)
        let found = try await bulletins(id: id, limit: Int.max)
        guard !found.isEmpty else {
            throw RefusedInput("there is no bulletin \(id); list them with: kentongan bulletins list")
        }
        return found
    }

    func newestRevision(of text: String) async throws -> BulletinRow { try await revisions(of: text)[0] }

    /// The revision that is to be decided on: a rejected one does not stand before the one that is held. The newest, if
    /// all were rejected.
    fileprivate func newestRevisionNotRejected(of text: String) async throws -> BulletinRow {
        let all = try await revisions(of: text)
        return all.first { $0.stored.state != .rejected } ?? all[0]
    }
}

extension BulletinID {
    /// As people type it.
    init(typed text: String) throws {
        guard let id = BulletinID(text) else { throw RefusedInput("\(text) is not PUBLISHER/ID") }
        self = id
    }
}

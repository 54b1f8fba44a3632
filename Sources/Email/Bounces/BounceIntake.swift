import Addresses
import Crypto
package import Runtime
package import Storage

/// Takes in what came to return paths: reads it, and records what it says of the delivery that it answers.
package struct BounceIntake: Sendable {
    package enum Outcome: Sendable, Equatable {
        case recorded(delivery: Int64, Bounce)
        /// It is no report of a failure, a delay or a complaint, such as the answer of somebody who is away.
        case noReport(delivery: Int64)
        /// It asked to end what a mail came by, and that is done.
        case unsubscribed
        /// It names no return path that this store has signed.
        case unsigned
        /// The delivery is not there any more.
        case gone(delivery: Int64)
        /// The delivery is still being sent. To be tried again later.
        case underWay(delivery: Int64)
    }

    private let store: any BounceStore & RetryStore & UnsubscribeStore
    private let mailboxes: Mailboxes
    private let paths: BounceAddress
    private let clock: WallClock

    /// More of a message does not say more.
    package static let maximumSize = 1 << 20

    /// Where mails come in beside the signed return paths.
    package struct Mailboxes: Sendable {
        /// What return paths are made of.
        let from: String
        /// Whether each mail has a return path of its own; else reports come to `from` itself.
        let variesReturnPaths: Bool
        /// Takes mails that unsubscribe.
        let leave: String?

        package init(from: String, variesReturnPaths: Bool = true, leave: String? = nil) {
            (self.from, self.variesReturnPaths, self.leave) = (from, variesReturnPaths, leave)
        }

        func contains(_ address: String) -> Bool {
            [leave, variesReturnPaths ? nil : from].compactMap(\.self)
                .contains { MailAddress.folded($0) == MailAddress.folded(MailAddress.canonical(address)) }
        }
    }

    package init(
        store: any BounceStore & RetryStore & UnsubscribeStore, mailboxes: Mailboxes, clock: WallClock
    ) {
        self.store = store
        self.clock = clock
        self.mailboxes = mailboxes
        paths = BounceAddress(from: mailboxes.from, key: store.bounceKey)
    }

    /// What a return path looks like.
    package var example: String { paths.address(of: 1) }

    /// Whether mails to an address are taken.
    package func isReturnPath(_ address: String) -> Bool {
        paths.delivery(in: address) != nil || mailboxes.contains(address)
    }

    /// `recipients` are the addresses that it came to, as far as they are known.
    package func take(_ message: [UInt8], to recipients: [String]) async throws(StoreError) -> Outcome {
        let reader = BounceReader(message)
        if let token = reader.leaveToken, try await end(token) { return .unsubscribed }
        guard let number = reader.delivery(paths, envelope: recipients) else { return .unsigned }
        guard let (row, _) = try await store.delivery(number) else { return .gone(delivery: number) }
        guard let bounce = reader.bounce(of: row.address) else { return .noReport(delivery: number) }
        // The mail server may be faster than the record of the attempt.
        for _ in 0..<100 {
            switch try await store.record(bounce, of: number, now: clock.now) {
            case .recorded: return .recorded(delivery: number, bounce)
            case .unknown: return .gone(delivery: number)
            case .underWay: break
            }
            do { try await Task.sleep(for: .milliseconds(100)) } catch { break }
        }
        return .underWay(delivery: number)
    }

    /// The token is a secret of its mail, so that no other proof is needed: a link asks for none either.
    private func end(_ token: LeaveToken) async throws(StoreError) -> Bool {
        guard mailboxes.leave != nil else { return false }
        let hash = Array(SHA256.hash(data: token.token))
        return try await store.unsubscribe(tokenHash: hash, scope: token.scope, now: clock.now)
    }
}

extension BounceIntake.Outcome: CustomStringConvertible {
    package var description: String {
        switch self {
        case .recorded(let delivery, let bounce):
            "delivery \(delivery): \(bounce.kind.rawValue)\(bounce.status.map { " \($0)" } ?? "")"
                + (!bounce.suppresses ? "" : "; its address gets nothing from now on")
        case .noReport(let delivery):
            "delivery \(delivery): the message is no bounce and no complaint; nothing changes"
        case .unsubscribed: "the message ended what its mail came by"
        case .unsigned: "the message names no return path of this store"
        case .gone(let delivery): "there is no delivery \(delivery) by email any more"
        case .underWay(let delivery): "delivery \(delivery) is still being sent"
        }
    }
}

import Addresses
import Crypto
package import Runtime
package import Storage

/// Takes in mail sent to return paths: reads a report, and records its meaning for the delivery.
package struct BounceIntake: Sendable {
    package enum Outcome: Sendable, Equatable {
        case recorded(delivery: Int64, Bounce)
        /// The message reports no failure, delay or complaint. It may be an out-of-office reply.
        case noReport(delivery: Int64)
        /// The message unsubscribed its sender.
        case unsubscribed
        /// The message names no return path signed by this store.
        case unsigned
        /// The delivery no longer exists.
        case gone(delivery: Int64)
        /// The delivery is still being sent. The mail server should try again later.
        case underWay(delivery: Int64)
    }

    private let store: any SubscriberStore & OperatorStore
    private let mailboxes: Mailboxes
    private let paths: BounceAddress
    private let clock: WallClock

    /// How many bytes of a message are read. Reports are never longer.
    package static let maximumSize = 1 << 20

    /// The addresses that take mail in addition to the signed return paths.
    package struct Mailboxes: Sendable {
        /// The address from which the return paths are made.
        let from: String
        /// Whether each mail has a return path of its own. If not, reports come to `from` itself.
        let variesReturnPaths: Bool
        /// The address to which mail programs send unsubscribe mail.
        let unsubscribe: String?

        package init(from: String, variesReturnPaths: Bool = true, unsubscribe: String? = nil) {
            (self.from, self.variesReturnPaths, self.unsubscribe) = (from, variesReturnPaths, unsubscribe)
        }

        func contains(_ address: String) -> Bool {
            [unsubscribe, variesReturnPaths ? nil : from].compactMap(\.self)
                .contains { MailAddress.folded($0) == MailAddress.folded(MailAddress.canonical(address)) }
        }
    }

    package init(
        store: any SubscriberStore & OperatorStore, mailboxes: Mailboxes, clock: WallClock
    ) {
        self.store = store
        self.clock = clock
        self.mailboxes = mailboxes
        paths = BounceAddress(from: mailboxes.from, key: store.bounceKey)
    }

    /// An example of a return path.
    package var example: String { paths.address(of: 1) }

    /// Whether this intake takes mail to an address.
    package func isReturnPath(_ address: String) -> Bool {
        paths.delivery(in: address) != nil || mailboxes.contains(address)
    }

    /// Takes in a message. `recipients` are its envelope recipients, as far as they are known.
    package func take(_ message: [UInt8], to recipients: [String]) async throws(StoreError) -> Outcome {
        let reader = BounceReader(message)
        if let token = reader.unsubscribeToken, try await unsubscribe(token) { return .unsubscribed }
        guard let number = reader.delivery(paths, envelope: recipients) else { return .unsigned }
        guard let (row, _) = try await store.delivery(number) else { return .gone(delivery: number) }
        guard let bounce = reader.bounce(of: row.address) else { return .noReport(delivery: number) }
        // The mail server may bounce the message before the worker has recorded the attempt.
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

    /// Unsubscribes by the token. Only the recipient of the mail knows it, so no other proof is needed; the link in
    /// the mail needs none either.
    private func unsubscribe(_ token: UnsubscribeToken) async throws(StoreError) -> Bool {
        guard mailboxes.unsubscribe != nil else { return false }
        let hash = Array(SHA256.hash(data: token.token))
        return try await store.unsubscribe(tokenHash: hash, scope: token.scope, now: clock.now)
    }
}

extension BounceIntake.Outcome: CustomStringConvertible {
    package var description: String {
        switch self {
        case .recorded(let delivery, let bounce):
            "delivery \(delivery): \(bounce.kind.rawValue)\(bounce.status.map { " \($0)" } ?? "")"
                + (!bounce.suppresses ? "" : "; its address is suppressed from now on")
        case .noReport(let delivery):
            "delivery \(delivery): the message is neither a bounce nor a complaint, so nothing changes"
        case .unsubscribed: "the message ended the subscriptions behind its mail"
        case .unsigned: "the message names no return path that this store has signed"
        case .gone(let delivery): "delivery \(delivery) by email no longer exists"
        case .underWay(let delivery): "delivery \(delivery) is still being sent"
        }
    }
}

import Synchronization

/// What was pushed last to each subscription by this worker; the oldest goes first.
final class PushedDigests: Sendable {
    private let digests = Mutex<(known: [Int64: String], order: [Int64])>(([:], []))
    private static let most = 20_000

    func holds(_ digest: String, of subscription: Int64) -> Bool {
        digests.withLock { $0.known[subscription] == digest }
    }

    func note(_ digest: String, of subscription: Int64) {
        digests.withLock { digests in
            guard digests.known.updateValue(digest, forKey: subscription) == nil else { return }
            digests.order.append(subscription)
            if digests.order.count > Self.most { digests.known[digests.order.removeFirst()] = nil }
        }
    }
}

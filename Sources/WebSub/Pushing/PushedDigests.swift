import Synchronization

/// What was pushed last to each subscription by this worker; the oldest goes first. It counts for the very next attempt
/// only: one in between, by another worker or without an answer, may have brought something else, and what was withdrawn
/// since then leaves a feed as it was before.
final class PushedDigests: Sendable {
    private struct Push {
        let digest: String
        let attempt: Int
    }

    private let digests = Mutex<(known: [Int64: Push], order: [Int64])>(([:], []))
    private static let most = 20_000

    func holds(_ digest: String, of subscription: Int64, before attempt: Int) -> Bool {
        digests.withLock { digests in
            digests.known[subscription].map { $0.digest == digest && $0.attempt + 1 == attempt } ?? false
        }
    }

    func note(_ digest: String, of subscription: Int64, attempt: Int) {
        digests.withLock { digests in
            let push = Push(digest: digest, attempt: attempt)
            guard digests.known.updateValue(push, forKey: subscription) == nil else { return }
            digests.order.append(subscription)
            if digests.order.count > Self.most { digests.known[digests.order.removeFirst()] = nil }
        }
    }
}

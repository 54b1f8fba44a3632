import Synchronization

/// The content that this worker last pushed to each subscription. The oldest is forgotten first.
///
/// A digest counts only for the very next attempt. An attempt in between, by another worker or without an answer, may
/// have delivered other content, and a withdrawal may bring a feed back to content that it had before.
///
/// An example: a bulletin makes attempt 7 due. A second bulletin arrives before attempt 7 renders the feed, so attempt
/// 7 pushes both. The second bulletin makes attempt 8 due all the same. The feed has not changed since, so attempt 8
/// sends nothing and counts as delivered.
final class PushedDigests: Sendable {
    /// The content of a push, and the number of its attempt.
    private struct Push {
        let digest: String
        let attempt: Int
    }

    private let digests = Mutex<(known: [Int64: Push], order: [Int64])>(([:], []))
    private static let most = 20_000

    /// Whether exactly this content was pushed by the attempt before `attempt`.
    func holds(_ digest: String, of subscription: Int64, before attempt: Int) -> Bool {
        digests.withLock { digests in
            digests.known[subscription].map { $0.digest == digest && $0.attempt + 1 == attempt } ?? false
        }
    }

    /// Notes that this content was pushed by this attempt.
    func note(_ digest: String, of subscription: Int64, attempt: Int) {
        digests.withLock { digests in
            let push = Push(digest: digest, attempt: attempt)
            guard digests.known.updateValue(push, forKey: subscription) == nil else { return }
            digests.order.append(subscription)
            if digests.order.count > Self.most { digests.known[digests.order.removeFirst()] = nil }
        }
    }
}

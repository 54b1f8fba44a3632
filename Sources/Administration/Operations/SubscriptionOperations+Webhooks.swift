package import Bulletins
import Runtime
package import Storage

extension SubscriptionOperations {
    /// Challenges the webhook of a subscription and turns it on; returns the time of its verification. One that is on
    /// already is not challenged.
    @discardableResult
    package func verify(_ number: Int64, _ challenge: Challenge) async throws -> Timestamp {
        try principal.require(.change)
        let now = clock.now
        guard let webhook = try await store.webhook(of: number, now: now) else {
            throw OperationError.noWebhook(number)
        }
        if webhook.isActive { return now }
        if let problem = try await challenge(webhook, now) {
            throw OperationError.conflict(
                "the webhook of subscription \(number) is not verified: \(problem)",
                advice: "once it answers: kentongan subscriptions verify \(number)")
        }
        try await store.markVerified(endpoint: webhook.signing.endpoint, now: now)
        return now
    }

    /// Gives a webhook new keys. The present keys sign too until `overlap` is over. Returns the subscription with its new
    /// secret, which is told this once, and the end of the overlap.
    package func rotateSecret(of number: Int64, overlap: Duration) async throws
        -> (subscription: StoredSubscription, overlapEnds: Timestamp)
    {
        try principal.require(.change)
        let now = clock.now
        let overlapEnds = now + overlap
        let rotated = try await store.rotateSecret(ofSubscription: number, overlapEnds: overlapEnds, now: now)
        guard let rotated else { throw OperationError.noWebhook(number) }
        return (rotated, overlapEnds)
    }
}

extension OperationError {
    fileprivate static func noWebhook(_ number: Int64) -> OperationError {
        .unknown(
            "there is no webhook's subscription \(number)", advice: "list them with: kentongan subscriptions list")
    }
}

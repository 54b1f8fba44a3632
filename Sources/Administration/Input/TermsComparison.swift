import Bulletins
import Storage

extension Subscription {
    /// The terms of this subscription that the other lacks, as in `frequency daily`.
    func differences(from other: Subscription) -> [String] {
        zip(terms, other.terms).compactMap { $0 == $1 ? nil : $0 }
    }

    private var terms: [String] {
        [
            "kinds " + kinds.map(\.rawValue).sorted().joined(separator: ", "), "reach \(reach.rawValue)",
            "urgency \(urgency.rawValue)", "frequency \(frequency.rawValue)", "language \(language)",
            "payload \(payload.rawValue)",
        ]
    }
}

extension StoredSubscription {
    /// States that this subscription keeps other terms than those wanted.
    func fault(against wanted: Subscription) -> OperationError {
        let kept = subscription.differences(from: wanted).joined(separator: "; ")
        return .conflict(
            "subscription \(number) of \(subscription.endpoint.address) is there with \(kept)",
            advice: "remove it first with: kentongan subscriptions remove \(number)")
    }
}

extension EndpointRequest {
    /// States that a webhook would be signed otherwise than its receiver expects; nil if it would not.
    func fault(against present: SignatureSchemes) -> OperationError? {
        guard let signatures, signatures != present else { return nil }
        return .conflict(
            "the webhook is signed by \(present.names.joined(separator: " and ")), which its receiver counts on",
            advice: "only an endpoint without subscriptions takes other signatures")
    }

    /// The first such fault of these subscriptions' webhooks.
    func fault(against stored: [StoredSubscription]) -> OperationError? {
        stored.lazy.compactMap { $0.webhook.flatMap { fault(against: $0.schemes) } }.first
    }
}

import Bulletins
import Storage

extension Subscription {
    /// What this one has that the other has not, as in `frequency daily`.
    func differences(from other: Subscription) -> [String] {
        func terms(_ subscription: Subscription) -> [String] {
            [
                "kinds " + subscription.kinds.map(\.rawValue).sorted().joined(separator: ", "),
                "reach \(subscription.reach.rawValue)", "urgency \(subscription.urgency.rawValue)",
                "frequency \(subscription.frequency.rawValue)", "language \(subscription.language)",
                "payload \(subscription.payload.rawValue)",
            ]
        }
        return zip(terms(self), terms(other)).compactMap { $0 == $1 ? nil : $0 }
    }
}

extension StoredSubscription {
    /// That this one is there and keeps other terms than those wanted.
    func fault(against wanted: Subscription) -> String {
        let kept = subscription.differences(from: wanted).joined(separator: "; ")
        return
            "subscription \(number) of \(subscription.endpoint.address) is there with \(kept); remove it first with: "
            + "kentongan subscriptions remove \(number)"
    }
}

extension EndpointRequest {
    /// That a webhook whose receiver counts on its signatures would be signed otherwise; nil if it would not.
    func fault(against present: SignatureSchemes) -> String? {
        guard let signatures, signatures != present else { return nil }
        return "the webhook is signed by \(present.names.joined(separator: " and ")), which its receiver counts on; "
            + "only an endpoint without subscriptions takes other signatures"
    }
}

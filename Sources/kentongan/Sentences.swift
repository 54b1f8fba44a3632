import Administration
import Bulletins
import Storage

// Things in one line for people; their JSON is in Administration.

extension AttemptRow {
    var line: String {
        let rest = [code, detail].compactMap(\.self).joined(separator: " ")
        return "\(number). \(startedAt.text) \(outcome) in \(duration) ms \(rest)"
    }
}

extension BounceRow {
    var line: String {
        let rest = [bounce.status, bounce.detail].compactMap(\.self).joined(separator: " ")
        return "came back \(receivedAt.text): \(bounce.kind.rawValue) \(rest)"
    }
}

extension StoredSubscription {
    /// With the link, secret or public key of one that was made just now.
    func sentence(publicURL: String) -> String {
        let feed = feedURL(publicURL).map { "; read it at \($0), or .atom, .json, .ics; shown this once" }
        return
            "subscription \(number): \(subscription.endpoint.address) hears \(subscription.field) of \(subscription.region)\(feed ?? webhook.map(keysSentence) ?? "")"
    }

    private func keysSentence(_ webhook: WebhookKeys) -> String {
        guard let newSecret else { return "" }
        let secret = webhook.schemes.contains(.hmac) ? "; its secret, shown this once: \(newSecret)" : ""
        return secret + (webhook.publicKey.map { "; its public key: \($0)" } ?? "")
    }
}

extension MovedSubscription {
    var sentence: String {
        "subscription \(number): \(address) moves from \(from) to \(to.map(\.code).joined(separator: ", "))"
    }
}

extension AddressDouble {
    func sentence(isMerged: Bool) -> String {
        let spellings = spellings.map { "\($0.address) (\(Output.count($0.subscriptions, "subscription")))" }
        return "\(channel.rawValue) \(spellings.joined(separator: ", "))\(isMerged ? ": now one" : "")"
    }
}

extension RejectedMessage {
    /// The first error.
    var firstError: String {
        errorValues.first.map { "\($0["path"]?.stringValue ?? "") \($0["message"]?.stringValue ?? "")" } ?? ""
    }
}

extension IntakeOutcome {
    var sentence: String {
        switch self {
        case .accepted(let state): state.rawValue
        case .duplicate: "it is known already, and nothing is sent again"
        case .rejected(let reason): reason.rawValue
        }
    }
}

extension RehearsedOutcome {
    var sentence: String {
        switch self {
        case .accepted(.held): "good, would wait for an operator's approval"
        case .accepted(.scheduled): "good, would wait for its time"
        case .accepted: "good"
        case .duplicate: "known already with this content, so nothing would be sent"
        case .rejected(let rejection): "refused as \(rejection.reason.rawValue)"
        }
    }
}

/// Counts by state, as in `2 delivered, 1 pending`.
func sentence(_ counts: [(state: String, count: Int)]) -> String {
    counts.map { "\($0.count) \($0.state)" }.joined(separator: ", ")
}

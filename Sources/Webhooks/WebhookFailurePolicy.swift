import Bulletins
package import DeliveryEngine
package import HTTPPost
import NIOCore

/// What each end of an attempt means for its delivery: all of a webhook's failure policy.
package enum WebhookFailurePolicy {
    /// Standard Webhooks: only 2xx is success, 3xx fails, 410 disables, `Retry-After` is honoured; after 429, 502, 503
    /// and 504 by all that goes to the endpoint.
    package static func outcome(of response: HTTPPostResponse, now: Int64) -> AttemptOutcome {
        let code = String(response.status)
        switch response.status {
        case 200..<300: return AttemptOutcome(.delivered, code: code)
        case 410: return AttemptOutcome(.endpointGone, code: code, detail: "the endpoint says it is gone")
        default:
            let asked = response.retryAfter.flatMap { RetryAfter.duration($0, now: now) }
            // These mean that it can take no more for now, from anybody.
            let isBusy = [429, 502, 503, 504].contains(response.status)
            return AttemptOutcome(
                .retry(after: asked), code: code, detail: detail(of: response), rest: isBusy ? asked : nil)
        }
    }

    /// Nothing was answered, or not in full.
    package static func outcome(of error: HTTPPostError) -> AttemptOutcome {
        switch error {
        case .badURL, .badHeader, .badNetwork, .badSettings:
            AttemptOutcome(.failed, detail: HiddenCharacters.escaped("\(error)"))
        // What a name stands for may be mended, so also a refused address is tried again.
        case .addressRefused, .badResponse, .cancelled:
            AttemptOutcome(.retry(after: nil), detail: HiddenCharacters.escaped("\(error)"))
        case .resolveFailed, .connectFailed, .tlsFailed, .timedOut, .connectionLost:
            AttemptOutcome(.retry(after: nil), detail: HiddenCharacters.escaped("\(error)"), isUnreachable: true)
        case .resolverBusy: AttemptOutcome(.postponed(by: .seconds(2)), detail: HiddenCharacters.escaped("\(error)"))
        case .tooManyWaiting, .closed:
            AttemptOutcome(.unavailable(pause: .seconds(1)), detail: HiddenCharacters.escaped("\(error)"))
        }
    }

    private static func detail(of response: HTTPPostResponse) -> String {
        let text = HiddenCharacters.escaped(String(String(buffer: response.body).prefix(400)))
        return text.isEmpty ? "answered \(response.status)" : "answered \(response.status): \(text)"
    }
}

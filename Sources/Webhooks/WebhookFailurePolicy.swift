// The failure policy of webhooks, on one page. The WebSub hub posts by the same rules.
//
// These places decide about a failed attempt, in the order in which they apply. docs/internals/engine.md adds the
// decisions that have nothing to do with a failure, such as a withdrawn bulletin.
//
//  1. ChannelPause           DeliveryEngine/Hosts: while the channel pauses, deliveries go back unsent.
//  2. HostGate               DeliveryEngine/Hosts: sends a delivery back whose endpoint has asked for a rest,
//                            and parks it while its host or endpoint has no room.
//  3. EndpointBreaker        DeliveryEngine/Hosts: after five unanswered attempts in a row, leaves a host
//                            or endpoint alone for 30 s, then twice as long each time up to 10 minutes.
//  4. HTTPTarget             HTTPPost/Addresses/HTTPTarget.swift: a URL that cannot be posted to fails the delivery.
//  5. HTTPConnectionPool     HTTPPost/Pool/HTTPConnectionPool.swift: if too many posts wait, the channel pauses for 1 s.
//  6. LookupQueue            HTTPPost/Resolver/LookupQueue.swift: bounds the lookups of dead names. A delivery whose
//                            lookup gets no thread is postponed.
//  7. AddressGuard           HTTPPost/Addresses/AddressGuard.swift: refuses private addresses, before the connection and
//                            once it is open.
//  8. HTTPConnection         HTTPPost/Connection/HTTPConnection+Lifecycle.swift: repeats a request once if a kept
//                            connection closed without a single byte of a response.
//  9. WebhookFailurePolicy   this file: turns the response or the error into the outcome of the attempt.
// 10. RetrySchedule          DeliveryEngine/RetrySchedule.swift: the time of the next attempt, no earlier than
//                            `Retry-After` asks for, or `failed` after the last.
// 11. EndpointRules          Storage/Rules/EndpointRules.swift: disables an endpoint that is gone, or has
//                            only failed for five days, and tells its owner and the operators.

import Bulletins
package import DeliveryEngine
package import HTTPPost
import NIOCore

/// Translates the end of a post into the outcome of its delivery.
package enum WebhookFailurePolicy {
    /// The outcome of a response, by Standard Webhooks 1.0.0: only 2xx is success, 3xx fails, 410 disables the endpoint,
    /// and `Retry-After` is honoured. After 429, 502, 503 and 504 the whole endpoint rests for that time.
    package static func outcome(of response: HTTPPostResponse, now: Int64) -> AttemptOutcome {
        let code = String(response.status)
        switch response.status {
        case 200..<300: return AttemptOutcome(.delivered, code: code)
        case 410: return AttemptOutcome(.endpointGone, code: code, detail: "the endpoint says it is gone")
        default:
            let asked = response.retryAfter.flatMap { RetryAfter.duration($0, now: now) }
            // With these statuses the endpoint can accept nothing at present, from any sender.
            let isBusy = [429, 502, 503, 504].contains(response.status)
            return AttemptOutcome(
                .retry(after: asked), code: code, detail: detail(of: response), rest: isBusy ? asked : nil)
        }
    }

    /// The outcome of a post without a complete response.
    package static func outcome(of error: HTTPPostError) -> AttemptOutcome {
        let detail = HiddenCharacters.escaped("\(error)")
        return switch error {
        case .badURL, .badHeader, .badNetwork, .badSettings: AttemptOutcome(.failed, detail: detail)
        // Even a refused address is retried, because the owner may correct the name's address.
        case .addressRefused, .badResponse, .cancelled: AttemptOutcome(.retry(after: nil), detail: detail)
        case .resolveFailed, .connectFailed, .tlsFailed, .timedOut, .connectionLost:
            AttemptOutcome(.retry(after: nil), detail: detail, isUnreachable: true)
        case .resolverBusy: AttemptOutcome(.postponed(by: .seconds(2)), detail: detail)
        case .tooManyWaiting, .closed: AttemptOutcome(.unavailable(pause: .seconds(1)), detail: detail)
        }
    }

    private static func detail(of response: HTTPPostResponse) -> String {
        let text = HiddenCharacters.escaped(String(String(buffer: response.body).prefix(400)))
        return text.isEmpty ? "answered \(response.status)" : "answered \(response.status): \(text)"
    }
}

/// The header `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date.
enum RetryAfter {
    /// The longest wait that a receiver may ask for, in seconds: one day.
    private static let longest: Int64 = 86_400

    /// The wait from `now` (seconds since 1970), at most one day. Nil if the value has neither form or is not in the
    /// future.
    static func duration(_ text: String, now: Int64) -> Duration? {
        let text = text.filter { $0 != "\t" }.split(separator: " ").joined(separator: " ")
        if !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            // A number too large for an integer is also longer than a day.
            return wait(Int64(text) ?? .max)
        }
        guard let date = HTTPDate.parse(text, now: Timestamp(milliseconds: now * 1000)) else { return nil }
        return wait(date.seconds - now)
    }

    private static func wait(_ seconds: Int64) -> Duration? { seconds > 0 ? .seconds(min(seconds, longest)) : nil }
}

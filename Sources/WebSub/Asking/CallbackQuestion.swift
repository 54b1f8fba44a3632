import Foundation
import HTTPPost
import Storage

/// The question to a callback: its own URL, with the hub's parameters behind those that it already has (WebSub, section
/// 5.3).
enum CallbackQuestion {
    /// Returns the URL to ask. It throws if the callback is no longer a valid URL.
    static func target(_ verification: HubVerification, challenge: String, publicURL: String) throws(HTTPPostError)
        -> HTTPTarget
    {
        var parameters = [("hub.mode", verification.mode.rawValue), ("hub.topic", publicURL + verification.topic)]
        switch verification.mode {
        case .subscribe:
            parameters += [("hub.challenge", challenge), ("hub.lease_seconds", "\(verification.leaseSeconds)")]
        case .unsubscribe: parameters.append(("hub.challenge", challenge))
        case .denied: parameters.append(("hub.reason", verification.reason ?? ""))
        }
        return try HTTPTarget(adding(parameters, to: verification.callback))
    }

    private static func adding(_ parameters: [(String, String)], to callback: String) -> String {
        let address = callback.prefix { $0 != "#" }
        let query = parameters.map { "\($0)=\(encoded($1))" }.joined(separator: "&")
        guard address.contains("?") else { return "\(address)?\(query)" }
        return address.hasSuffix("?") || address.hasSuffix("&") ? "\(address)\(query)" : "\(address)&\(query)"
    }

    /// Percent-encodes all characters except those that RFC 3986 calls unreserved.
    private static func encoded(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: unreserved) ?? ""
    }

    private static let unreserved = CharacterSet(
        charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
}

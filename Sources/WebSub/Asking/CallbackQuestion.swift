import Foundation
import HTTPPost
import Storage

/// What a callback is asked: its own address, with the hub's parameters behind those that it has (WebSub, section 5.3).
enum CallbackQuestion {
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

    /// Only what RFC 3986 calls unreserved stands for itself.
    private static func encoded(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: unreserved) ?? ""
    }

    private static let unreserved = CharacterSet(
        charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
}

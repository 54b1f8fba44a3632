package import Bulletins

/// A mail to the owner of an endpoint or to the operators, about something other than a bulletin.
package struct Notice: Sendable {
    package enum Kind: String, Sendable {
        /// An endpoint gets nothing more: it is gone, or has failed for days. `channel`, `address`, `why`.
        case endpointTurnedOff = "endpoint-turned-off"
        /// A subscription's region was replaced. `address`, `from`, `to` (a list), by the names `fromName`, `toNames`.
        case regionReplaced = "region-replaced"
    }

    package let number: Int64
    package let kind: Kind
    /// The address; nil for the operators.
    package let address: String?
    /// The language of the mail, `id` or `en`.
    package let language: String
    package let details: JSONObject
    /// The number of earlier attempts.
    package let attempts: Int

    package init(
        number: Int64, kind: Kind, address: String?, language: String, details: JSONObject, attempts: Int
    ) {
        self.number = number
        self.kind = kind
        self.address = address
        self.language = language
        self.details = details
        self.attempts = attempts
    }
}

/// The schemes that sign deliveries to a webhook (Standard Webhooks 1.0.0), as a mask.
package struct SignatureSchemes: OptionSet, Sendable, Hashable {
    package let rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }

    /// `v1`: HMAC-SHA256 by a secret that both sides hold.
    package static let hmac = SignatureSchemes(rawValue: 1)
    /// `v1a`: Ed25519 by a key of the sender, of which the receiver has the public half.
    package static let ed25519 = SignatureSchemes(rawValue: 2)

    /// The schemes with these names, as the header has them; nil if a name is unknown.
    package init?(names: [String]) {
        let known = names.map { name in Self.all.first { $0.name == name }?.scheme }
        guard !known.contains(nil) else { return nil }
        self = SignatureSchemes(known.compactMap(\.self))
    }

    package var names: [String] { Self.all.filter { contains($0.scheme) }.map(\.name) }

    private static let all: [(name: String, scheme: SignatureSchemes)] = [("v1", .hmac), ("v1a", .ed25519)]
}

/// The keys that sign deliveries to a webhook, by number. `WebhookKeyStore` makes the keys themselves.
package struct WebhookSigning: Sendable, Hashable {
    package let endpoint: Int64
    package let version: Int64
    /// The version before a rotation, while its keys sign too.
    package let previous: Int64?
    package let schemes: SignatureSchemes

    package init(endpoint: Int64, version: Int64, previous: Int64? = nil, schemes: SignatureSchemes = .hmac) {
        (self.endpoint, self.version, self.previous, self.schemes) = (endpoint, version, previous, schemes)
    }

    /// The versions that sign, the present one first.
    package var versions: [Int64] { [version] + (previous.map { [$0] } ?? []) }
}

/// The conditions under which an endpoint is added or found again.
package struct EndpointRequest: Sendable, Equatable {
    /// Whether a new endpoint is active immediately. Otherwise it gets nothing until it is verified.
    package var isVerified: Bool
    /// Whether an existing endpoint that is turned off or unverified is activated.
    package var revives: Bool
    /// The signature schemes of a webhook. Nil changes nothing, and gives a new webhook `v1`.
    package var signatures: SignatureSchemes?

    package init(isVerified: Bool = true, revives: Bool = true, signatures: SignatureSchemes? = nil) {
        (self.isVerified, self.revives, self.signatures) = (isVerified, revives, signatures)
    }
}

/// The facts about a webhook that its verification needs.
package struct WebhookEndpoint: Sendable {
    package let address: String
    package let signing: WebhookSigning
    /// Whether it gets deliveries.
    package let isActive: Bool

    package init(address: String, signing: WebhookSigning, isActive: Bool) {
        (self.address, self.signing, self.isActive) = (address, signing, isActive)
    }
}

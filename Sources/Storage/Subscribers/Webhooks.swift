/// How deliveries to a webhook are signed (Standard Webhooks 1.0.0); as a mask, as the store keeps it.
package struct SignatureSchemes: OptionSet, Sendable, Hashable {
    package let rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }

    /// `v1`: HMAC-SHA256 by a secret that both sides hold.
    package static let hmac = SignatureSchemes(rawValue: 1)
    /// `v1a`: Ed25519 by a key of the sender's; the receiver has its public half.
    package static let ed25519 = SignatureSchemes(rawValue: 2)

    /// By the names that stand in the header; nil if one is unknown.
    package init?(names: [String]) {
        let known = names.map { name in Self.all.first { $0.name == name }?.scheme }
        guard !known.contains(nil) else { return nil }
        self = SignatureSchemes(known.compactMap(\.self))
    }

    package var names: [String] { Self.all.filter { contains($0.scheme) }.map(\.name) }

    private static let all: [(name: String, scheme: SignatureSchemes)] = [("v1", .hmac), ("v1a", .ed25519)]
}

/// Which keys sign what goes to a webhook. The keys themselves are made of the store's key (`WebhookKeyStore`).
package struct WebhookSigning: Sendable, Hashable {
    package let endpoint: Int64
    package let version: Int64
    /// The version before a rotation, as long as its keys sign too.
    package let previous: Int64?
    package let schemes: SignatureSchemes

    package init(endpoint: Int64, version: Int64, previous: Int64? = nil, schemes: SignatureSchemes = .hmac) {
        (self.endpoint, self.version, self.previous, self.schemes) = (endpoint, version, previous, schemes)
    }

    /// The present one first.
    package var versions: [Int64] { [version] + (previous.map { [$0] } ?? []) }
}

/// What is said of an endpoint when it is subscribed.
package struct EndpointTerms: Sendable, Equatable {
    /// Whether it is taken as its owner's at once; one that is not gets nothing until it was verified.
    package var isVerified: Bool
    /// Whether one that is there and turned off, or not verified, is turned on.
    package var revives: Bool
    /// How a webhook is signed; nil leaves it as it is, and a new one with `v1`.
    package var signatures: SignatureSchemes?

    package init(isVerified: Bool = true, revives: Bool = true, signatures: SignatureSchemes? = nil) {
        (self.isVerified, self.revives, self.signatures) = (isVerified, revives, signatures)
    }
}

/// A webhook as verification needs it.
package struct WebhookEndpoint: Sendable {
    package let address: String
    package let signing: WebhookSigning
    /// Whether it gets deliveries.
    package let isActive: Bool

    package init(address: String, signing: WebhookSigning, isActive: Bool) {
        (self.address, self.signing, self.isActive) = (address, signing, isActive)
    }
}

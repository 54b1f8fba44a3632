/// Why the hub does not take a request, in words for who sent it.
struct HubFault: Error, Equatable {
    enum Kind: Equatable { case malformed, tooLarge, unsupportedType, unknownTopic, tooMany }

    let kind: Kind
    let reason: String

    init(_ kind: Kind, _ reason: String) { (self.kind, self.reason) = (kind, reason) }
}

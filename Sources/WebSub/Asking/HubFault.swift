/// Why the hub does not take a request, in words for who sent it.
package struct HubFault: Error, Equatable {
    package enum Kind: Equatable { case malformed, tooLarge, unsupportedType, unknownTopic, tooMany }

    package let kind: Kind
    package let reason: String

    package init(_ kind: Kind, _ reason: String) { (self.kind, self.reason) = (kind, reason) }
}

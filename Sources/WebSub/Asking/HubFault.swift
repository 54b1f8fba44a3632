/// The reason why the hub rejects a request, in words for its sender.
package struct HubFault: Error, Equatable {
    /// The kind of fault, from which the portal derives the status of its answer.
    package enum Kind: Equatable { case malformed, tooLarge, unsupportedType, unknownTopic, tooMany }

    package let kind: Kind
    package let reason: String

    package init(_ kind: Kind, _ reason: String) { (self.kind, self.reason) = (kind, reason) }
}

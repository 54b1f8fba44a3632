/// Why a message is refused: a stable code that publishers' programs may rely on.
public enum RefusalReason: String, Sendable, CaseIterable {
    case malformedJSON = "malformed-json"
    case tooLarge = "too-large"
    case unsupportedEncoding = "unsupported-encoding"
    case schema
    case unknownRegion = "unknown-region"
    case retiredRegion = "retired-region"
    case unknownField = "unknown-field"
    case unknownPublisher = "unknown-publisher"
    case publisherMismatch = "publisher-mismatch"
    case outOfScope = "out-of-scope"
    case expired
    case staleRevision = "stale-revision"
    /// The broker delivered it as often as it may, and never got an acknowledgement.
    case deliveryLimit = "delivery-limit"
    /// The broker took it out of its queue for another reason of its own.
    case deadLettered = "dead-lettered"
}

/// One thing that is wrong with a message.
public struct BulletinError: Error, Sendable, Hashable {
    /// The JSON pointer (RFC 6901) of what is wrong; empty for the message as a whole.
    public let path: String
    public let code: RefusalReason
    /// What is wrong, and what would be right, for people.
    public let message: String

    public init(_ path: String, _ code: RefusalReason, _ message: String) {
        (self.path, self.code, self.message) = (path, code, message)
    }

    public var json: JSONValue {
        ["path": .string(path), "code": .string(code.rawValue), "message": .string(message)]
    }
}

/// Everything that is wrong with a message; the first error's code is the reason.
public struct Refusal: Error, Sendable, Hashable {
    public let errors: [BulletinError]

    /// A body can hold tens of thousands; nobody reads so many.
    private static let limit = 200

    public init(_ error: BulletinError) { errors = [error] }

    /// Nil if there are no errors.
    public init?(_ errors: [BulletinError]) {
        guard !errors.isEmpty else { return nil }
        self.errors = Array(errors.prefix(Self.limit))
    }

    public var reason: RefusalReason { errors.first?.code ?? .schema }
}

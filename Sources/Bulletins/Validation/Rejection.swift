/// The reason for rejecting a message: a stable code that publishers' programs may rely on.
public enum RejectionReason: String, Sendable, CaseIterable {
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
    /// The broker delivered the message up to its delivery limit without an acknowledgement.
    case deliveryLimit = "delivery-limit"
    /// The broker removed the message from its queue for another reason.
    case deadLettered = "dead-lettered"
}

/// A single error in a message.
public struct BulletinError: Error, Sendable, Hashable {
    /// The JSON pointer (RFC 6901) of the erroneous value; empty for the message as a whole.
    public let path: String
    public let code: RejectionReason
    /// The problem and its solution, for people.
    public let message: String

    public init(_ path: String, _ code: RejectionReason, _ message: String) {
        (self.path, self.code, self.message) = (path, code, message)
    }

    public var json: JSONValue {
        ["path": .string(path), "code": .string(code.rawValue), "message": .string(message)]
    }
}

/// The errors of a rejected message. The code of the first error is the reason.
public struct Rejection: Error, Sendable, Hashable {
    public let errors: [BulletinError]

    /// The most errors to report. A body has room for tens of thousands, which nobody reads.
    private static let limit = 200

    public init(_ error: BulletinError) { errors = [error] }

    /// Returns nil if there are no errors.
    public init?(_ errors: [BulletinError]) {
        guard !errors.isEmpty else { return nil }
        self.errors = Array(errors.prefix(Self.limit))
    }

    public var reason: RejectionReason { errors.first?.code ?? .schema }
}

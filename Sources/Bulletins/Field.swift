/// A field (bidang) of public affairs, identified by a slug of at most two levels: `kesehatan`, `kesehatan.stunting`.
public struct Field: Sendable, Hashable, Comparable, CustomStringConvertible {
    public let code: String

    /// Parses a slug of one or two words of `a-z0-9-`, joined by a dot. Returns nil for any other text.
    public init?(_ code: String) {
        let parts = code.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), code.utf8.count <= 64 else { return nil }
        let isSlug = parts.allSatisfy { part in
            !part.isEmpty
                && part.utf8.allSatisfy { byte in
                    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                        || byte == UInt8(ascii: "-")
                }
        }
        guard isSlug else { return nil }
        self.code = code
    }

    private init(unchecked code: Substring) { self.code = String(code) }

    /// The parent field; nil at the first level.
    public var parent: Field? {
        code.firstIndex(of: ".").map { Field(unchecked: code[..<$0]) }
    }

    /// Whether `other` is this field or one of its children.
    public func contains(_ other: Field) -> Bool { other == self || other.parent == self }

    public var description: String { code }
    public static func < (a: Field, b: Field) -> Bool { a.code < b.code }
}

/// The fields of a subscription or of a publisher's scope: one field with its children, or all fields (`*`).
public enum FieldFilter: Sendable, Hashable, CustomStringConvertible {
    case any
    case field(Field)

    /// Parses `*` or a slug.
    public init?(_ text: String) {
        if text == "*" {
            self = .any
        } else if let field = Field(text) {
            self = .field(field)
        } else {
            return nil
        }
    }

    public func matches(_ field: Field) -> Bool {
        switch self {
        case .any: true
        case .field(let own): own.contains(field)
        }
    }

    public var description: String {
        switch self {
        case .any: "*"
        case .field(let field): field.code
        }
    }
}

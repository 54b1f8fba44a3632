/// A value in a table of headers or of queue arguments.
///
/// Every AMQP integer is read as `integer` and written as 64 bits; floats and decimals are read as
/// `double`. A text that is not UTF-8 is read as `bytes`.
public enum HeaderValue: Sendable, Hashable {
    case string(String)
    case integer(Int64)
    case double(Double)
    case boolean(Bool)
    case bytes([UInt8])
    /// Seconds since 1970.
    case timestamp(UInt64)
    case array([HeaderValue])
    case table([String: HeaderValue])
    case null
}

extension HeaderValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(booleanLiteral value: Bool) { self = .boolean(value) }
}

extension HeaderValue {
    /// The text of a `string`, or of `bytes` that happen to be UTF-8 (some clients write those).
    public var text: String? {
        switch self {
        case .string(let text): text
        case .bytes(let bytes): String(validating: bytes, as: UTF8.self)
        default: nil
        }
    }
}

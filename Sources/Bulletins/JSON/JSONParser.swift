/// A strict JSON parser (RFC 8259) for untrusted bodies.
///
/// Foundation's parser reports no position of an error, lets the last of two members with the same name win (where
/// another reader takes the first), and takes as long as everything else that intake does with a bulletin. This parser
/// rejects duplicate members and bounds the nesting, so that no body can exhaust the stack.
public struct JSONParser {
    /// A syntax error and its byte offset.
    public struct Failure: Error, Sendable, Equatable {
        public let problem: String
        public let offset: Int
    }

    static let maximumDepth = 32
    /// Up to this many members, a linear search for duplicates is faster than a set.
    private static let fewMembers = 24

    /// Parses `bytes` as one value, with nothing but white space around it.
    public static func parse(_ bytes: some Sequence<UInt8>) throws(Failure) -> JSONValue {
        let result = bytes.withContiguousStorageIfAvailable { parse(buffer: $0) }
        return try (result ?? Array(bytes).withUnsafeBufferPointer { parse(buffer: $0) }).get()
    }

    private static func parse(buffer: UnsafeBufferPointer<UInt8>) -> Result<JSONValue, Failure> {
        var parser = JSONParser(bytes: buffer)
        do throws(Failure) {
            // RFC 8259, section 8.1: senders must not add a byte order mark, and receivers may reject it.
            guard !buffer.starts(with: [0xEF, 0xBB, 0xBF]) else {
                throw parser.failure("the text begins with a byte order mark; save it without one")
            }
            let value = try parser.value(depth: 0)
            parser.skipSpace()
            guard parser.position == buffer.count else { throw parser.failure("there is more text after the value") }
            return .success(value)
        } catch {
            return .failure(error)
        }
    }

    let bytes: UnsafeBufferPointer<UInt8>
    var position = 0

    private init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    func failure(_ problem: String) -> Failure { Failure(problem: problem, offset: position) }

    var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard current == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func value(depth: Int) throws(Failure) -> JSONValue {
        skipSpace()
        guard depth <= Self.maximumDepth else { throw failure("nested deeper than \(Self.maximumDepth)") }
        switch current {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case nil: throw failure("the text ends in the middle of a value")
        default: return try number()
        }
    }

    private mutating func literal(_ word: StaticString, _ value: JSONValue) throws(Failure) -> JSONValue {
        let matches = word.withUTF8Buffer { word in
            position + word.count <= bytes.count && bytes[position..<(position + word.count)].elementsEqual(word)
        }
        guard matches else { throw failure("this is not a JSON value") }
        position += word.utf8CodeUnitCount
        return value
    }

    private mutating func object(depth: Int) throws(Failure) -> JSONValue {
        position += 1
        var object = JSONObject()
        var keys = Set<[UInt8]>()  // Used once there are many members.
        skipSpace()
        if take("}") { return .object(object) }
        while true {
            skipSpace()
            guard current == UInt8(ascii: "\"") else { throw failure("the name of a member is missing") }
            let key = try string()
            if object.members.count == Self.fewMembers {
                keys = Set(object.members.map { Array($0.key.utf8) })
            }
            let isNew =
                object.members.count < Self.fewMembers
                ? object[key] == nil : keys.insert(Array(key.utf8)).inserted
            guard isNew else { throw failure("the member \"\(key.prefix(64))\" appears twice") }
            skipSpace()
            guard take(":") else { throw failure("a colon is missing") }
            object.append(key, try value(depth: depth + 1))
            skipSpace()
            if take(",") { continue }
            guard take("}") else { throw failure("a comma or a closing brace is missing") }
            return .object(object)
        }
    }

    private mutating func array(depth: Int) throws(Failure) -> JSONValue {
        position += 1
        var elements: [JSONValue] = []
        skipSpace()
        if take("]") { return .array(elements) }
        while true {
            elements.append(try value(depth: depth + 1))
            skipSpace()
            if take(",") { continue }
            guard take("]") else { throw failure("a comma or a closing bracket is missing") }
            return .array(elements)
        }
    }

    private mutating func digits() -> Int {
        let start = position
        while let byte = current, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
        return position - start
    }

    private mutating func number() throws(Failure) -> JSONValue {
        let start = position
        _ = take("-")
        let firstDigit = current
        let count = digits()
        guard count > 0 else { throw failure("this is not a JSON value") }
        guard count == 1 || firstDigit != UInt8(ascii: "0") else {
            throw failure("a number begins with a superfluous 0")
        }
        var isWhole = true
        if take(".") {
            isWhole = false
            guard digits() > 0 else { throw failure("a number lacks digits after its decimal point") }
        }
        if take("e") || take("E") {
            isWhole = false
            _ = take("+") || take("-")
            guard digits() > 0 else { throw failure("a number lacks the digits of its exponent") }
        }
        guard position - start <= 64 else { throw failure("a number has more than 64 characters") }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isWhole, let integer = Int64(text) { return .integer(integer) }
        guard let double = Double(text), double.isFinite else { throw failure("a number is too large") }
        if let integer = Int64(exactly: double) { return .integer(integer) }
        return .number(double)
    }
}

/// Reads JSON (RFC 8259) strictly, for bodies that strangers send.
///
/// Why not Foundation's: it reports one error and no place, lets the last of two members with the
/// same name win (which two readers then read differently), and costs as much as everything else
/// that intake does to a bulletin. Depth is bounded so that no body can exhaust the stack.
public struct JSONParser {
    /// What is wrong with a text, and at which byte.
    public struct Failure: Error, Sendable, Equatable {
        public let problem: String
        public let offset: Int
    }

    static let maximumDepth = 32
    private static let fewMembers = 24

    /// The value that the whole of `bytes` is.
    public static func parse(_ bytes: some Sequence<UInt8>) throws(Failure) -> JSONValue {
        let result = bytes.withContiguousStorageIfAvailable { parse(buffer: $0) }
        return try (result ?? Array(bytes).withUnsafeBufferPointer { parse(buffer: $0) }).get()
    }

    private static func parse(buffer: UnsafeBufferPointer<UInt8>) -> Result<JSONValue, Failure> {
        var parser = JSONParser(bytes: buffer)
        do throws(Failure) {
            // RFC 8259, section 8.1: no sender may add one, and a receiver need not pass over it.
            guard !buffer.starts(with: [0xEF, 0xBB, 0xBF]) else {
                throw parser.failure("a byte order mark stands before the value; save the text without it")
            }
            let value = try parser.value(depth: 0)
            parser.skipSpace()
            guard parser.position == buffer.count else { throw parser.failure("there is more after the value") }
            return .success(value)
        } catch {
            return .failure(error)
        }
    }

    private let bytes: UnsafeBufferPointer<UInt8>
    private var position = 0

    private init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    private func failure(_ problem: String) -> Failure { Failure(problem: problem, offset: position) }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
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
        case nil: throw failure("the text ends too early")
        default: return try number()
        }
    }

    private mutating func literal(_ word: StaticString, _ value: JSONValue) throws(Failure) -> JSONValue {
        let matches = word.withUTF8Buffer { word in
            position + word.count <= bytes.count && bytes[position..<(position + word.count)].elementsEqual(word)
        }
        guard matches else { throw failure("this is no JSON value") }
        position += word.utf8CodeUnitCount
        return value
    }

    private mutating func object(depth: Int) throws(Failure) -> JSONValue {
        position += 1
        var object = JSONObject()
        var keys = Set<[UInt8]>()  // Only of an object with many members: a few are looked through as fast.
        skipSpace()
        if take("}") { return .object(object) }
        while true {
            skipSpace()
            guard current == UInt8(ascii: "\"") else { throw failure("a member's name is missing") }
            let key = try string()
            if object.members.count == Self.fewMembers {
                keys = Set(object.members.map { Array($0.key.utf8) })
            }
            let isNew =
                object.members.count < Self.fewMembers
                ? object[key] == nil : keys.insert(Array(key.utf8)).inserted
            guard isNew else { throw failure("the member \"\(key.prefix(64))\" is there twice") }
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

    private mutating func string() throws(Failure) -> String {
        position += 1
        let start = position
        position = JSONText.plainEnd(bytes, from: position)
        switch current {
        case UInt8(ascii: "\""):
            let text = try Self.text(bytes, start..<position)
            position += 1
            return text
        case UInt8(ascii: "\\"): return try escapedString(from: start)
        case nil: throw failure("a string is not closed")
        default: throw failure("a control character stands in a string unescaped")
        }
    }

    private static func text(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) throws(Failure) -> String {
        guard let text = String(validating: UnsafeBufferPointer(rebasing: bytes[range]), as: UTF8.self) else {
            throw Failure(problem: "a string is not UTF-8", offset: range.lowerBound)
        }
        return text
    }

    /// The slow path: a string with escapes, from where it began.
    private mutating func escapedString(from start: Int) throws(Failure) -> String {
        var unescaped = Array(bytes[start..<position])
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: unescaped, as: UTF8.self) else {
                    throw Failure(problem: "a string is not UTF-8", offset: start)
                }
                return text
            case UInt8(ascii: "\\"): try escape(into: &unescaped)
            case 0..<0x20: throw failure("a control character stands in a string unescaped")
            default: unescaped.append(byte)
            }
        }
        throw failure("a string is not closed")
    }

    private mutating func escape(into text: inout [UInt8]) throws(Failure) {
        guard let byte = current else { throw failure("a string is not closed") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"): text.append(contentsOf: String(try scalar()).utf8)
        default: throw failure("an escape is unknown")
        }
    }

    private mutating func scalar() throws(Failure) -> Unicode.Scalar {
        let first = try hexadecimal()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard (0xD800..<0xDC00).contains(first), take("\\"), take("u") else {
            throw failure("half of a surrogate pair stands alone")
        }
        let second = try hexadecimal()
        guard (0xDC00..<0xE000).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw failure("half of a surrogate pair stands alone") }
        return scalar
    }

    private mutating func hexadecimal() throws(Failure) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = current, let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw failure("an escape lacks its four digits")
            }
            value = value << 4 + UInt32(digit)
            position += 1
        }
        return value
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
        guard count > 0 else { throw failure("this is no JSON value") }
        guard count == 1 || firstDigit != UInt8(ascii: "0") else { throw failure("a number begins with 0") }
        var isWhole = true
        if take(".") {
            isWhole = false
            guard digits() > 0 else { throw failure("a number lacks digits after its point") }
        }
        if take("e") || take("E") {
            isWhole = false
            _ = take("+") || take("-")
            guard digits() > 0 else { throw failure("a number lacks its exponent") }
        }
        guard position - start <= 64 else { throw failure("a number has more than 64 characters") }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isWhole, let integer = Int64(text) { return .integer(integer) }
        guard let double = Double(text), double.isFinite else { throw failure("a number is too large") }
        if let integer = Int64(exactly: double) { return .integer(integer) }
        return .number(double)
    }
}

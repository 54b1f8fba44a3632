import Foundation

/// A mail or one of its parts (RFC 5322, 2045, 2046), as far as bounces need it.
///
/// The parser is lenient, because it meets forty years of software and deliberate attacks, and it bounds depth and
/// time. A returned message is a part like any other text: the parser never looks for parts of the report inside it.
struct MIMEPart: Sendable {
    /// The header fields: names in lower case, values unfolded.
    let headers: [(name: String, value: String)]
    let children: [MIMEPart]
    private let body: ArraySlice<UInt8>

    private static let maximumDepth = 10
    private static let maximumParts = 100

    init(_ bytes: [UInt8]) { self.init(bytes[...], depth: 0) }

    private init(_ bytes: ArraySlice<UInt8>, depth: Int) {
        var lines = LineReader(bytes)
        headers = Self.readHeaders(&lines)
        body = lines.rest
        let type = Self.value("content-type", headers) ?? "text/plain"
        if type.lowercased().hasPrefix("multipart/"), depth < Self.maximumDepth,
            let boundary = Self.parameter("boundary", of: type)
        {
            children = Self.split(body, boundary).map { MIMEPart($0, depth: depth + 1) }
        } else {
            children = []
        }
    }

    /// The media type, for example `message/delivery-status`.
    var type: String {
        let value = self["content-type"] ?? "text/plain"
        return value.prefix { $0 != ";" }.trimmingCharacters(in: .whitespaces).lowercased()
    }

    /// The first header field of that name.
    subscript(_ name: String) -> String? { Self.value(name, headers) }

    /// This part and all its descendants.
    var all: [MIMEPart] { [self] + children.flatMap(\.all) }

    /// The decoded body. Every character set is read as UTF-8.
    var text: String {
        switch self["content-transfer-encoding"]?.trimmingCharacters(in: .whitespaces).lowercased() {
        case "base64":
            let data = Data(base64Encoded: Data(body), options: .ignoreUnknownCharacters) ?? Data()
            return String(decoding: data, as: UTF8.self)
        case "quoted-printable": return String(decoding: Self.fromQuotedPrintable(body), as: UTF8.self)
        default: return String(decoding: body, as: UTF8.self)
        }
    }

    // MARK: - Headers

    /// Reads header fields up to an empty line. A delivery status has the same syntax (RFC 3464 section 2.1).
    static func readHeaders(_ lines: inout LineReader) -> [(name: String, value: String)] {
        var headers: [(name: String, value: String)] = []
        while let line = lines.next(), !line.isEmpty {
            let text = String(decoding: line, as: UTF8.self)
            if text.first?.isWhitespace == true {
                if !headers.isEmpty { headers[headers.count - 1].value += " " + oneLine(text) }
            } else if let colon = text.firstIndex(of: ":") {
                headers.append(
                    (oneLine(String(text[..<colon])).lowercased(), oneLine(String(text[text.index(after: colon)...]))))
            }
        }
        return headers
    }

    static func value(_ name: String, _ headers: [(name: String, value: String)]) -> String? {
        headers.first { $0.name == name }?.value
    }

    private static func oneLine(_ text: String) -> String {
        MailHeader.oneLine(text).trimmingCharacters(in: .whitespaces)
    }

    private static func parameter(_ name: String, of value: String) -> String? {
        for item in value.split(separator: ";").dropFirst() {
            let pair = item.split(separator: "=", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
            if pair.count == 2, pair[0].lowercased() == name {
                return pair[1].trimmingCharacters(in: CharacterSet(charactersIn: "\""))
            }
        }
        return nil
    }

    // MARK: - Bodies

    /// Splits a body at its boundary lines. The last part may lack its closing boundary.
    private static func split(_ body: ArraySlice<UInt8>, _ boundary: String) -> [ArraySlice<UInt8>] {
        let delimiter = Array("--\(boundary)".utf8)
        var parts: [ArraySlice<UInt8>] = []
        var start: Int?
        var lines = LineReader(body)
        while parts.count < maximumParts {
            let lineStart = lines.rest.startIndex
            guard let line = lines.next() else { break }
            guard line.starts(with: delimiter) else { continue }
            let tail = line.dropFirst(delimiter.count)
            let isEnd = tail.starts(with: "--".utf8)
            guard isEnd || tail.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) else { continue }
            if let start { parts.append(body[start..<lineStart]) }
            start = lines.rest.startIndex
            if isEnd { return parts }
        }
        if let start, parts.count < maximumParts { parts.append(body[start...]) }
        return parts
    }

    /// Decodes quoted-printable (RFC 2045 section 6.7). Malformed escapes stay as they are.
    private static func fromQuotedPrintable(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var decoded: [UInt8] = []
        var lines = LineReader(bytes)
        while let line = lines.next() {
            var rest = line
            var isSoft = false
            while let byte = rest.popFirst() {
                guard byte == UInt8(ascii: "=") else {
                    decoded.append(byte)
                    continue
                }
                if let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16), rest.count >= 2 {
                    decoded.append(value)
                    rest = rest.dropFirst(2)
                } else {
                    isSoft = rest.allSatisfy { $0 == 0x20 || $0 == 0x09 }
                    if isSoft { break }
                    decoded.append(byte)
                }
            }
            if !isSoft { decoded.append(UInt8(ascii: "\n")) }
        }
        return decoded
    }
}

/// Reads lines that end in CRLF or LF.
struct LineReader {
    /// The unread bytes.
    private(set) var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    /// The next line without its end. Nil after the last one.
    mutating func next() -> ArraySlice<UInt8>? {
        guard !rest.isEmpty else { return nil }
        let end = rest.firstIndex(of: 0x0A) ?? rest.endIndex
        let line = rest[..<end]
        rest = end < rest.endIndex ? rest[(end + 1)...] : rest[end...]
        return line.last == 0x0D ? line.dropLast() : line
    }
}

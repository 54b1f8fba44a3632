/// Splits a URL at its delimiters (RFC 3986 section 3). Each part is then checked on its own.
struct URLParts {
    /// RFC 9110 section 4.1 recommends support for at least 8000 bytes. No webhook needs more.
    static let maximumLength = 8000

    let isTLS: Bool
    let host: Substring
    private let portText: Substring?
    private let rest: Substring

    init(_ url: String) throws(URLFault) {
        guard url.utf8.count <= Self.maximumLength else { throw URLFault("it is too long") }
        for byte in url.utf8 {
            guard byte > 0x20, byte < 0x7F else {
                throw URLFault("it may contain visible ASCII only; write the rest as %XX or xn--")
            }
            guard byte != UInt8(ascii: "\\") else { throw URLFault("it contains a backslash") }
        }
        guard let colon = url.firstIndex(of: ":"), url[colon...].hasPrefix("://") else {
            throw URLFault("it does not start with https://")
        }
        switch url[..<colon].lowercased() {
        case "https": isTLS = true
        case "http": isTLS = false
        default: throw URLFault("its scheme is neither https nor http")
        }
        let start = url.index(colon, offsetBy: 3)
        let end = url[start...].firstIndex { "/?#".contains($0) } ?? url.endIndex
        rest = url[end...]
        (host, portText) = try Self.split(url[start..<end])
    }

    /// Splits `host:port`.
    private static func split(
        _ authority: Substring
    ) throws(URLFault) -> (Substring, Substring?) {
        guard !authority.contains("@") else {
            throw URLFault("it must not contain a user or password")
        }
        let hostEnd: Substring.Index
        if authority.hasPrefix("[") {
            guard let bracket = authority.firstIndex(of: "]") else {
                throw URLFault("a bracket is not closed")
            }
            hostEnd = authority.index(after: bracket)
        } else {
            hostEnd = authority.firstIndex(of: ":") ?? authority.endIndex
        }
        let tail = authority[hostEnd...]
        guard !tail.isEmpty else { return (authority[..<hostEnd], nil) }
        guard tail.hasPrefix(":") else { throw URLFault("only a port may follow the address") }
        return (authority[..<hostEnd], tail.dropFirst())
    }

    /// The explicit port, from 1 to 65535 without leading zeros.
    var port: Int? {
        get throws(URLFault) {
            guard let portText else { return nil }
            let isNumber = portText.utf8.allSatisfy { (0x30...0x39).contains($0) }
            guard isNumber, !portText.hasPrefix("0"), let port = Int(portText),
                (1...65535).contains(port)
            else { throw URLFault("the port is not a number from 1 to 65535") }
            return port
        }
    }

    /// The path and query without the fragment (RFC 3986 sections 3.3 and 3.4).
    var pathAndQuery: String {
        get throws(URLFault) {
            let sent = rest.prefix { $0 != "#" }
            for byte in sent.utf8 where Self.mustBeEscaped.contains(byte) {
                throw URLFault("a character of the path must be written as %XX")
            }
            let escapes = sent.utf8.split(
                separator: UInt8(ascii: "%"), omittingEmptySubsequences: false)
            for escape in escapes.dropFirst() {
                guard escape.count >= 2, escape.prefix(2).allSatisfy(HostSyntax.isHex) else {
                    throw URLFault("a % is not followed by two hexadecimal digits")
                }
            }
            return sent.hasPrefix("/") ? String(sent) : "/" + sent
        }
    }

    private static let mustBeEscaped: Set<UInt8> = Set("\"<>^`{|}".utf8)

    /// The URL as errors show it, without path and user information, which often contain secrets.
    static func redacted(_ url: String) -> String {
        let visible = url.unicodeScalars.prefix(200).map { scalar in
            scalar.value > 0x20 && scalar.value < 0x7F ? Character(scalar) : "?"
        }
        let text = String(visible)
        guard let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://") else {
            return text.contains("@") || text.contains("/") ? "this address" : "\"\(text)\""
        }
        let start = text.index(colon, offsetBy: 3)
        let authority = text[start...].prefix { !"/?#\\".contains($0) }
        guard !text[start...].contains("@") else { return "\"\(text[..<start])...\"" }
        return "\"\(text[..<start])\(authority)\""
    }
}

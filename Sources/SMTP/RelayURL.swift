/// The parts of a relay's URL (RFC 3986 section 3).
struct RelayURL {
    var isTLS = false
    var username: String?
    var password: String?
    var host = ""
    var port: Int?
    /// The settings behind `?`, of `names`.
    var query: [String: String] = [:]
    /// Without user and password, for errors.
    private(set) var shown: String

    private static let names: Set = ["starttls", "auth", "cacertfile"]

    init(_ url: String) throws(SMTPError) {
        guard let colon = url.firstRange(of: "://") else {
            throw .badURL("the URL", reason: "it does not begin with smtp://")
        }
        let scheme = url[..<colon.lowerBound].lowercased()
        var rest = url[colon.upperBound...]
        let at = rest.lastIndex(of: "@")
        // Without an @ a password may stand where a port should.
        shown =
            "\(scheme)://"
            + (at.map { rest[rest.index(after: $0)...] } ?? rest.prefix { $0 != ":" || rest.first == "[" })
        guard scheme == "smtp" || scheme == "smtps" else { throw .badURL(shown, reason: "its scheme is not smtp") }
        isTLS = scheme == "smtps"
        if let at {
            try readCredentials(rest[..<at])
            rest = rest[rest.index(after: at)...]
        }
        if let mark = rest.firstIndex(of: "?") {
            try readQuery(rest[rest.index(after: mark)...])
            rest = rest[..<mark]
        }
        if rest.last == "/" { rest = rest.dropLast() }
        try readAuthority(rest)
    }

    private mutating func readCredentials(_ text: Substring) throws(SMTPError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(Self.decode)
        guard let user = parts[0], !user.isEmpty, !parts.contains(nil) else {
            throw .badURL(shown, reason: "user and password are not percent-encoded, or there is no user")
        }
        // A password may also come from elsewhere.
        let password = parts.count == 2 ? parts[1] : nil
        // RFC 4616 section 2.
        guard !user.utf8.contains(0), password?.utf8.contains(0) != true else {
            throw .badURL(shown, reason: "user or password has a NUL in it")
        }
        username = user
        self.password = password
    }

    private mutating func readQuery(_ text: Substring) throws(SMTPError) {
        for item in text.split(separator: "&") {
            let parts = item.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, Self.names.contains(parts[0]), let value = Self.decode(parts[1][...]) else {
                let names = Self.names.sorted().joined(separator: ", ")
                throw .badURL(shown, reason: "the settings behind ? are \(names), each with a value")
            }
            query[parts[0]] = value
        }
    }

    private mutating func readAuthority(_ text: Substring) throws(SMTPError) {
        var portText: Substring?
        if text.first == "[", let end = text.firstIndex(of: "]") {
            host = String(text[text.index(after: text.startIndex)..<end])
            let tail = text[text.index(after: end)...]
            guard tail.isEmpty || tail.first == ":" else { throw .badURL(shown, reason: "a port must follow ]") }
            portText = tail.isEmpty ? nil : tail.dropFirst()
        } else {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count <= 2 else { throw .badURL(shown, reason: "an IPv6 address stands in [ ]") }
            host = String(parts[0])
            portText = parts.count == 2 ? parts[1] : nil
        }
        guard !host.isEmpty, host.utf8.allSatisfy({ $0 > 32 && $0 < 127 && !"/,".utf8.contains($0) }) else {
            throw .badURL(shown, reason: "it has no host, or more than host and port")
        }
        if let portText {
            guard let port = UInt16(portText), port > 0 else {
                throw .badURL(shown, reason: "its port is not from 1 to 65535")
            }
            self.port = Int(port)
        }
    }

    private static func decode(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = rest.prefix(2)
            guard digits.count == 2, let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}

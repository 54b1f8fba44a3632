extension SMTPSettings {
    /// Reads `smtp://user:pass@host:port?starttls=required|opportunistic|off` or `smtps://user:pass@host:port`. Both
    /// also take `auth=plain|login|xoauth2|scram-sha-256` and `cacertfile=PATH`.
    ///
    /// The default ports are 25 and 465. Without `starttls`, TLS is required, except that it is opportunistic for a
    /// loopback host. `off` is allowed for a loopback host only. User and password are percent-encoded (RFC 3986
    /// section 2.1).
    public init(url: String) throws(SMTPError) {
        let parts = try RelayURL(url)
        guard let security = Self.security(parts) else {
            throw .badURL(
                parts.shown, reason: "starttls must be required, opportunistic or off, and smtps:// takes no starttls")
        }
        self.init(
            host: parts.host, port: parts.port ?? (parts.isTLS ? 465 : 25), security: security,
            username: parts.username, password: parts.password)
        trustedCAFile = parts.query["cacertfile"]
        if let name = parts.query["auth"] {
            guard let authentication = SMTPAuthentication(rawValue: name.lowercased()) else {
                let names = SMTPAuthentication.allCases.map(\.rawValue).joined(separator: ", ")
                throw .badURL(parts.shown, reason: "auth must be one of \(names)")
            }
            self.authentication = authentication
        }
        if security == .none, !isLoopback {
            throw .badURL(parts.shown, reason: "starttls=off is allowed for 127.0.0.1 and localhost only")
        }
    }

    private static func security(_ parts: RelayURL) -> SMTPSecurity? {
        if parts.isTLS { return parts.query["starttls"] == nil ? .implicitTLS : nil }
        switch parts.query["starttls"] {
        case nil:
            let probe = SMTPSettings(host: parts.host, port: 25, security: .none)
            return probe.isLoopback ? .startTLSOpportunistic : .startTLSRequired
        case "required": return .startTLSRequired
        case "opportunistic": return .startTLSOpportunistic
        case "off": return SMTPSecurity.none
        default: return nil
        }
    }
}

/// The parts of a relay's URL (RFC 3986 section 3).
struct RelayURL {
    var isTLS = false
    var username: String?
    var password: String?
    var host = ""
    var port: Int?
    /// The settings behind `?`, by their names.
    var query: [String: String] = [:]
    /// The URL without user and password, for errors.
    private(set) var shown: String

    private static let names: Set = ["starttls", "auth", "cacertfile"]

    init(_ url: String) throws(SMTPError) {
        guard let colon = url.firstRange(of: "://") else {
            throw .badURL("the URL", reason: "it does not start with smtp://")
        }
        let scheme = url[..<colon.lowerBound].lowercased()
        var rest = url[colon.upperBound...]
        let at = rest.lastIndex(of: "@")
        // Without an `@`, the text in the port's place may be a password. So errors show the host only.
        shown =
            "\(scheme)://"
            + (at.map { rest[rest.index(after: $0)...] } ?? rest.prefix { $0 != ":" || rest.first == "[" })
        guard scheme == "smtp" || scheme == "smtps" else {
            throw .badURL(shown, reason: "its scheme is neither smtp nor smtps")
        }
        isTLS = scheme == "smtps"
        if let at {
            try readCredentials(rest[..<at])
            rest = rest[rest.index(after: at)...]
        }
        if let question = rest.firstIndex(of: "?") {
            try readQuery(rest[rest.index(after: question)...])
            rest = rest[..<question]
        }
        if rest.last == "/" { rest = rest.dropLast() }
        try readAuthority(rest)
    }

    private mutating func readCredentials(_ text: Substring) throws(SMTPError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(Self.decode)
        guard let user = parts[0], !user.isEmpty, !parts.contains(nil) else {
            throw .badURL(shown, reason: "the user is missing, or user and password are not percent-encoded")
        }
        // The password may also come from `smtp.password`.
        let password = parts.count == 2 ? parts[1] : nil
        // NUL separates the fields of AUTH PLAIN (RFC 4616 section 2).
        guard !user.utf8.contains(0), password?.utf8.contains(0) != true else {
            throw .badURL(shown, reason: "user or password contains NUL")
        }
        username = user
        self.password = password
    }

    private mutating func readQuery(_ text: Substring) throws(SMTPError) {
        for item in text.split(separator: "&") {
            let parts = item.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, Self.names.contains(parts[0]), let value = Self.decode(parts[1][...]) else {
                let names = Self.names.sorted().joined(separator: ", ")
                throw .badURL(shown, reason: "the settings after ? are \(names), each with a value")
            }
            query[parts[0]] = value
        }
    }

    private mutating func readAuthority(_ text: Substring) throws(SMTPError) {
        var portText: Substring?
        if text.first == "[", let end = text.firstIndex(of: "]") {
            host = String(text[text.index(after: text.startIndex)..<end])
            let tail = text[text.index(after: end)...]
            guard tail.isEmpty || tail.first == ":" else { throw .badURL(shown, reason: "only a port may follow ]") }
            portText = tail.isEmpty ? nil : tail.dropFirst()
        } else {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count <= 2 else { throw .badURL(shown, reason: "an IPv6 address must be in [ ]") }
            host = String(parts[0])
            portText = parts.count == 2 ? parts[1] : nil
        }
        guard !host.isEmpty, host.utf8.allSatisfy({ $0 > 32 && $0 < 127 && !"/,".utf8.contains($0) }) else {
            throw .badURL(shown, reason: "the host is missing or invalid")
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

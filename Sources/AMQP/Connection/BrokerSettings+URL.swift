extension BrokerSettings {
    /// Reads `amqp://user:password@host1:5672,host2:5673/vhost`, or `amqps://` for TLS.
    ///
    /// User and password default to `guest`, the port to 5672, or 5671 with TLS, and the virtual host to `/`, also
    /// where the path is empty. User, password and virtual host may be percent-encoded. The query takes the parameters
    /// of RabbitMQ's own URIs: `heartbeat` (seconds), `connection_timeout` (milliseconds), `cacertfile`, `certfile` and
    /// `keyfile`.
    public init(url: String) throws(AMQPError) {
        var parts = try URLParts(url)
        self.init()
        if parts.isTLS { tls = BrokerTLSSettings() }
        if let user = try parts.takeUser() {
            username = user.name
            password = user.password ?? ""
        }
        addresses = try parts.addresses()
        virtualHost = try parts.virtualHost()
        for (key, value) in try parts.query() { try set(key, to: value) }
    }

    private mutating func set(_ key: String, to value: String) throws(AMQPError) {
        switch key {
        case "heartbeat": heartbeat = .seconds(try Self.number(value, key))
        case "connection_timeout": connectTimeout = .milliseconds(try Self.number(value, key))
        case "cacertfile" where tls != nil: tls?.caFile = value
        case "certfile" where tls != nil: tls?.certificateFile = value
        case "keyfile" where tls != nil: tls?.keyFile = value
        default: throw .badURL("its query has a parameter that this scheme does not know")
        }
    }

    private static func number(_ text: String, _ key: String) throws(AMQPError) -> Int {
        guard let number = Int(text), number > 0 else {
            throw .badURL("'\(key)' in its query is not a positive number")
        }
        return number
    }
}

/// The components of a broker's URL.
///
/// No error quotes the URL: behind a misplaced `/` or `@`, a piece of the password may have ended up in any component.
private struct URLParts {
    let isTLS: Bool
    private var authority: Substring
    private let path: Substring
    private let queryText: Substring

    init(_ url: String) throws(AMQPError) {
        if url.hasPrefix("amqps://") {
            isTLS = true
        } else if url.hasPrefix("amqp://") {
            isTLS = false
        } else {
            throw .badURL("it begins with neither amqp:// nor amqps://")
        }
        let rest = url.dropFirst(isTLS ? 8 : 7)
        let (beforeQuery, query) = rest.splitOnce("?")
        let (authority, path) = beforeQuery.splitOnce("/")
        self.authority = authority
        self.path = path ?? ""
        queryText = query ?? ""
    }

    mutating func takeUser() throws(AMQPError) -> (name: String, password: String?)? {
        guard let at = authority.lastIndex(of: "@") else { return nil }
        let (name, password) = authority[..<at].splitOnce(":")
        authority = authority[authority.index(after: at)...]
        let decodedPassword: String? = if let password { try Self.decode(password, "its password") } else { nil }
        return (try Self.decode(name, "its user"), decodedPassword)
    }

    func addresses() throws(AMQPError) -> [BrokerAddress] {
        var found: [BrokerAddress] = []
        for text in authority.split(separator: ",", omittingEmptySubsequences: false) {
            found.append(try address(text))
        }
        return found
    }

    private func address(_ text: Substring) throws(AMQPError) -> BrokerAddress {
        var host = text
        var port: Substring?
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { throw .badURL("a bracket is not closed") }
            host = text[text.index(after: text.startIndex)..<end]
            let rest = text[text.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else { throw .badURL("a host is malformed") }
            port = rest.isEmpty ? nil : rest.dropFirst()
        } else {
            (host, port) = text.splitOnce(":")
        }
        guard !host.isEmpty, !host.contains(where: \.isWhitespace) else {
            throw .badURL("a host is missing")
        }
        guard let port else { return BrokerAddress(host: String(host), port: isTLS ? 5671 : 5672) }
        guard let number = UInt16(port), number > 0 else {
            throw .badURL("a port is not a number from 1 to 65535")
        }
        return BrokerAddress(host: String(host), port: Int(number))
    }

    func virtualHost() throws(AMQPError) -> String {
        guard !path.isEmpty else { return "/" }
        guard !path.contains("/") else {
            throw .badURL("its virtual host contains an unescaped /; write %2F")
        }
        return try Self.decode(path, "its virtual host")
    }

    func query() throws(AMQPError) -> [(String, String)] {
        var found: [(String, String)] = []
        for item in queryText.split(separator: "&") {
            let (key, value) = item.splitOnce("=")
            found.append((String(key), try Self.decode(value ?? "", "its query")))
        }
        return found
    }

    private static func decode(_ text: Substring, _ part: String) throws(AMQPError) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst(), let low = rest.popFirst(), let value = hex(high, low)
            else { throw .badURL("\(part) contains a % without two hexadecimal digits behind it") }
            bytes.append(value)
        }
        // librabbitmq takes C strings, and would cut the text at a zero byte.
        guard !bytes.contains(0), let decoded = String(validating: bytes, as: UTF8.self) else {
            throw .badURL("\(part) is not UTF-8 text, or contains a zero byte")
        }
        return decoded
    }

    private static func hex(_ high: UInt8, _ low: UInt8) -> UInt8? {
        guard let high = Character(UnicodeScalar(high)).hexDigitValue,
            let low = Character(UnicodeScalar(low)).hexDigitValue
        else { return nil }
        return UInt8(high << 4 | low)
    }
}

extension Substring {
    /// Returns the text before and after the first `separator`; the second half is nil if there is no separator.
    fileprivate func splitOnce(_ separator: Character) -> (Substring, Substring?) {
        guard let index = firstIndex(of: separator) else { return (self, nil) }
        return (self[..<index], self[self.index(after: index)...])
    }
}

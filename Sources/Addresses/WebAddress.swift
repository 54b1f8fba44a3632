import Glibc

/// The one spelling of an http or https URL (RFC 3986 section 6.2.2), by which two addresses of one thing are known as
/// one: scheme and host in small letters, no default port, no fragment, `%xx` in capitals, unreserved characters plain,
/// no dot segments, and a path of at least `/`. It does not judge whether a URL may be posted to.
public enum WebAddress {
    /// A text that has no scheme and authority comes back as it is.
    public static func canonical(_ url: String) -> String {
        guard let (scheme, authority, rest) = split(url) else { return url }
        let sent = rest.prefix { $0 != UInt8(ascii: "#") }
        let mark = sent.firstIndex(of: UInt8(ascii: "?")) ?? sent.endIndex
        let path = withoutDotSegments(escapes(sent[..<mark]))
        return "\(scheme)://\(host(authority, scheme))\(path)" + text(escapes(sent[mark...]))
    }

    private typealias Bytes = ArraySlice<UInt8>

    private static func split(_ url: String) -> (scheme: String, authority: Bytes, rest: Bytes)? {
        let bytes = Array(url.utf8)
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        let scheme = MailAddress.folded(text(bytes[..<colon]))
        guard ["http", "https"].contains(scheme), bytes[colon...].starts(with: "://".utf8) else { return nil }
        let start = colon + 3
        let end = bytes[start...].firstIndex { "/?#".utf8.contains($0) } ?? bytes.endIndex
        return end > start ? (scheme, bytes[start..<end], bytes[end...]) : nil
    }

    /// User information, which no address here may have, stays as it is.
    private static func host(_ authority: Bytes, _ scheme: String) -> String {
        let start = authority.lastIndex(of: UInt8(ascii: "@")).map { $0 + 1 } ?? authority.startIndex
        let closing = authority.lastIndex(of: UInt8(ascii: "]")) ?? start
        let colon = authority[closing...].firstIndex(of: UInt8(ascii: ":")) ?? authority.endIndex
        let (name, port) = (MailAddress.folded(text(authority[start..<colon])), text(authority[colon...].dropFirst()))
        let isDefault = port.isEmpty || port == (scheme == "https" ? "443" : "80")
        return text(authority[..<start]) + plainest(name) + (isDefault ? "" : ":\(port)")
    }

    /// An IPv6 address in its shortest form (RFC 5952).
    private static func plainest(_ name: String) -> String {
        guard name.hasPrefix("["), name.hasSuffix("]") else { return name }
        var address = in6_addr()
        guard inet_pton(AF_INET6, String(name.dropFirst().dropLast()), &address) == 1 else { return name }
        var shortest = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_ntop(AF_INET6, &address, &shortest, socklen_t(shortest.count)) != nil else { return name }
        return "[\(text(shortest.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))[...]))]"
    }

    /// `%7e` is `~`, and `%2f` is `%2F`: what is reserved means something else when it is plain.
    private static func escapes(_ bytes: Bytes) -> Bytes {
        var made: [UInt8] = []
        var rest = bytes
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%"), rest.count >= 2, let value = UInt8(text(rest.prefix(2)), radix: 16) else {
                made.append(byte)
                continue
            }
            if isUnreserved(value) {
                made.append(value)
            } else {
                made += [byte] + Array(text(rest.prefix(2)).uppercased().utf8)
            }
            rest = rest.dropFirst(2)
        }
        return made[...]
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        DomainName.isAlphanumeric(byte) || "-._~".utf8.contains(byte)
    }

    /// RFC 3986 section 5.2.4.
    private static func withoutDotSegments(_ path: Bytes) -> String {
        var kept: [Bytes] = []
        let segments = path.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        for (place, segment) in segments.enumerated() {
            let isLast = place == segments.count - 1
            switch text(segment) {
            case ".": if isLast { kept.append([]) }
            case "..":
                _ = kept.popLast()
                if isLast { kept.append([]) }
            default: kept.append(segment)
            }
        }
        return "/" + kept.map(text).joined(separator: "/")
    }

    private static func text(_ bytes: Bytes) -> String { String(decoding: bytes, as: UTF8.self) }
}

import Glibc

/// Normalises http and https URLs (RFC 3986, section 6.2.2), so that equivalent URLs compare equal.
///
/// The normal form has a lower-case scheme and host, no default port and no fragment. Percent escapes are in upper case
/// and only escape reserved characters. The path has no dot segments and is at least `/`. Whether the program may post
/// to the URL is decided elsewhere.
public enum WebAddress {
    /// The normal form of a URL. A text without a scheme and authority is returned unchanged.
    public static func canonical(_ url: String) -> String {
        guard let (scheme, authority, rest) = split(url) else { return url }
        let sent = rest.prefix { $0 != UInt8(ascii: "#") }
        let query = sent.firstIndex(of: UInt8(ascii: "?")) ?? sent.endIndex
        let path = withoutDotSegments(normalisedEscapes(sent[..<query]))
        return "\(scheme)://\(normalisedAuthority(authority, scheme))\(path)" + text(normalisedEscapes(sent[query...]))
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

    /// The authority in its normal form. User information is kept as it is: addresses that have any are rejected
    /// elsewhere.
    private static func normalisedAuthority(_ authority: Bytes, _ scheme: String) -> String {
        let start = authority.lastIndex(of: UInt8(ascii: "@")).map { $0 + 1 } ?? authority.startIndex
        let closing = authority.lastIndex(of: UInt8(ascii: "]")) ?? start
        let colon = authority[closing...].firstIndex(of: UInt8(ascii: ":")) ?? authority.endIndex
        let (name, port) = (MailAddress.folded(text(authority[start..<colon])), text(authority[colon...].dropFirst()))
        let isDefault = port.isEmpty || port == (scheme == "https" ? "443" : "80")
        return text(authority[..<start]) + shortestHost(name) + (isDefault ? "" : ":\(port)")
    }

    /// Rewrites an IPv6 address in its shortest form (RFC 5952).
    private static func shortestHost(_ name: String) -> String {
        guard name.hasPrefix("["), name.hasSuffix("]") else { return name }
        var address = in6_addr()
        guard inet_pton(AF_INET6, String(name.dropFirst().dropLast()), &address) == 1 else { return name }
        var shortest = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_ntop(AF_INET6, &address, &shortest, socklen_t(shortest.count)) != nil else { return name }
        return "[\(text(shortest.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))[...]))]"
    }

    /// Decodes escaped unreserved characters, and writes the other escapes in upper case: `%7e` becomes `~`, and `%2f`
    /// becomes `%2F`, because a reserved character has another meaning when it is not escaped.
    private static func normalisedEscapes(_ bytes: Bytes) -> Bytes {
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

    /// Removes dot segments (RFC 3986, section 5.2.4).
    private static func withoutDotSegments(_ path: Bytes) -> String {
        var kept: [Bytes] = []
        let segments = path.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        for (index, segment) in segments.enumerated() {
            let isLast = index == segments.count - 1
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

/// An address of any channel: a mail address, a URL, or the name of a feed.
public enum AnyAddress {
    /// The one spelling of a mail address or URL. Any other text is returned unchanged.
    public static func canonical(_ text: String) -> String {
        (try? MailAddress(text))?.description ?? WebAddress.canonical(text)
    }
}

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif
package import NIOCore

/// An IPv4 or IPv6 address as an integer, so that a range check is a mask and a comparison. An IPv4 address inside an
/// IPv6 one (`::ffff:a.b.c.d`, RFC 4291 section 2.5.5.2) becomes the IPv4 address.
package struct IPAddress: Sendable, Hashable, CustomStringConvertible {
    package let isIPv4: Bool
    /// The 32 bits of an IPv4 address, or the 128 bits of an IPv6 one.
    package let value: UInt128

    package init(isIPv4: Bool, value: UInt128) {
        // ::ffff:0:0/96
        if !isIPv4, value >> 32 == 0xFFFF {
            self.isIPv4 = true
            self.value = value & 0xFFFF_FFFF
        } else {
            self.isIPv4 = isIPv4
            self.value = value
        }
    }

    /// Reads 4 or 16 bytes in network order.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        let value = bytes.reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
        self.init(isIPv4: bytes.count == 4, value: value)
    }

    /// Parses the one spelling that `inet_pton` accepts: no octal or hexadecimal parts, no zone.
    package init?(_ text: String) {
        let isIPv4 = !text.utf8.contains(UInt8(ascii: ":"))
        var bytes = [UInt8](repeating: 0, count: isIPv4 ? 4 : 16)
        guard inet_pton(isIPv4 ? AF_INET : AF_INET6, text, &bytes) == 1 else { return nil }
        self.init(bytes: bytes)
        // A lenient library could accept a leading zero. The comparison with the normal spelling rejects it.
        if isIPv4, description != text { return nil }
    }

    /// The address of an IP socket. Nil for a Unix domain socket.
    package init?(_ address: SocketAddress) {
        guard let text = address.ipAddress else { return nil }
        self.init(text)
    }

    package var description: String {
        if isIPv4 {
            return (0..<4).map { String(value >> (24 - 8 * $0) & 0xFF) }.joined(separator: ".")
        }
        var bytes = value.bigEndian
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_ntop(AF_INET6, &bytes, &text, socklen_t(text.count)) != nil else { return "::" }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

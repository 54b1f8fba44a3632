public import NIOCore

/// A network in CIDR notation (RFC 4632, RFC 4291 section 2.3), for example `10.0.0.0/8` or `fd00::/8`, or a single
/// address.
public struct AddressNetwork: Sendable, Hashable, CustomStringConvertible {
    private let base: IPAddress
    private let prefix: Int

    /// Parses a network. The bits after the prefix must be zero, as in `10.1.0.0/16`.
    public init(_ cidr: String) throws(HTTPPostError) {
        let parts = cidr.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let base = IPAddress(String(parts[0])) else {
            throw .badNetwork(cidr, reason: "it does not start with an address")
        }
        let bits = parts[0].contains(":") ? 128 : 32
        var prefix = bits
        if parts.count == 2 {
            guard let number = Int(parts[1]), (0...bits).contains(number),
                String(number) == parts[1]
            else { throw .badNetwork(cidr, reason: "the prefix is not from 0 to \(bits)") }
            prefix = number
        }
        // `::ffff:10.0.0.0/104` means 10.0.0.0/8. A prefix shorter than 96 would span both families.
        if base.isIPv4, bits == 128 {
            guard prefix >= 96 else {
                throw .badNetwork(cidr, reason: "it spans IPv4 and IPv6")
            }
            prefix -= 96
        }
        self.init(base: base, prefix: prefix)
        guard contains(base), Self.masked(base, prefix) == base.value else {
            throw .badNetwork(cidr, reason: "bits after the prefix are set")
        }
    }

    package init(base: IPAddress, prefix: Int) {
        self.base = base
        self.prefix = prefix
    }

    /// Whether the network contains an address. An IPv4 address inside an IPv6 one counts as IPv4.
    public func contains(_ address: SocketAddress) -> Bool {
        IPAddress(address).map(contains) ?? false
    }

    package func contains(_ address: IPAddress) -> Bool {
        address.isIPv4 == base.isIPv4 && Self.masked(address, prefix) == base.value
    }

    private static func masked(_ address: IPAddress, _ prefix: Int) -> UInt128 {
        let tail = (address.isIPv4 ? 32 : 128) - prefix
        return tail >= 128 ? 0 : (address.value >> tail) << tail
    }

    public var description: String { "\(base)/\(prefix)" }
}

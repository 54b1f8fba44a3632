public import NIOCore

/// Decides which addresses a post may reach. It judges the address of the connection and never the name, so a name
/// server that changes its answers (DNS rebinding) gains nothing.
///
/// The tables follow the IANA registries of special-purpose addresses (RFC 6890).
public struct AddressGuard: Sendable {
    /// The decision about one address.
    public enum Verdict: Sendable, Equatable {
        case allowed
        case refused(reason: String)
    }

    private let allowed: [AddressNetwork]

    /// - Parameter allowed: networks that may be reached although they are not public.
    public init(allowed: [AddressNetwork]) {
        self.allowed = allowed
    }

    /// Judges the address of a socket.
    public func judge(_ address: SocketAddress) -> Verdict {
        guard let ip = IPAddress(address) else {
            return .refused(reason: "it is not an internet address")
        }
        return judge(ip)
    }

    /// Judges an address of 4 or 16 bytes in network order.
    public func judge(bytes: some Collection<UInt8>) -> Verdict {
        guard let ip = IPAddress(bytes: bytes) else {
            return .refused(reason: "it is not an internet address")
        }
        return judge(ip)
    }

    package func judge(_ address: IPAddress) -> Verdict {
        if allowed.contains(where: { $0.contains(address) }) { return .allowed }
        return address.isIPv4 ? Self.judgeIPv4(address) : Self.judgeIPv6(address)
    }

    /// Judges an address together with the scheme and port of the connection. An allowed network may be used with any
    /// scheme and port, a public address only with `https` on one of `ports`.
    package func judge(_ address: SocketAddress, for origin: Origin, ports: [Int]) -> Verdict {
        if allowed.contains(where: { $0.contains(address) }) { return .allowed }
        let verdict = judge(address)
        return verdict == .allowed ? Self.judgeSchemeAndPort(of: origin, ports: ports) : verdict
    }

    /// Judges a URL before any connection. It is refused only if no connection to it could ever be allowed. Names are
    /// not looked up, because their addresses change; the names of this machine are the exception (RFC 6761 section
    /// 6.3).
    public func judge(_ target: HTTPTarget, ports: [Int] = HTTPPostSettings().ports) -> Verdict {
        if let address = IPAddress(target.host) {
            if allowed.contains(where: { $0.contains(address) }) { return .allowed }
            let verdict = judge(address)
            return verdict == .allowed ? Self.judgeSchemeAndPort(of: target.origin, ports: ports) : verdict
        }
        if target.host == "localhost" || target.host.hasSuffix(".localhost") {
            let isOpen = ["127.0.0.1", "::1"].compactMap { IPAddress($0) }.contains { judge($0) == .allowed }
            return isOpen ? .allowed : .refused(reason: "\(target.host) is this machine itself (RFC 6761)")
        }
        // Any other name may lead into an allowed network.
        return allowed.isEmpty ? Self.judgeSchemeAndPort(of: target.origin, ports: ports) : .allowed
    }

    private static func judgeSchemeAndPort(of origin: Origin, ports: [Int]) -> Verdict {
        guard origin.isTLS else { return .refused(reason: "only https is allowed") }
        guard ports.contains(origin.port) else {
            return .refused(reason: "port \(origin.port) is not allowed")
        }
        return .allowed
    }

    private static func judgeIPv4(_ address: IPAddress) -> Verdict {
        for entry in closedIPv4 where entry.network.contains(address) {
            return .refused(reason: "\(entry.network) is \(entry.use)")
        }
        return .allowed
    }

    private static func judgeIPv6(_ address: IPAddress) -> Verdict {
        guard globalUnicast.contains(address) else {
            return .refused(reason: "it is not a public IPv6 address")
        }
        for entry in closedIPv6 where entry.network.contains(address) {
            return .refused(reason: "\(entry.network) is \(entry.use)")
        }
        return .allowed
    }
}

extension AddressGuard {
    private struct ClosedNetwork: Sendable {
        var network: AddressNetwork
        var use: String

        init(v4 a: UInt8, _ b: UInt8, _ c: UInt8, prefix: Int, _ use: String) {
            let value = UInt128(a) << 24 | UInt128(b) << 16 | UInt128(c) << 8
            network = AddressNetwork(base: IPAddress(isIPv4: true, value: value), prefix: prefix)
            self.use = use
        }

        init(v6 first: UInt16, _ second: UInt16, prefix: Int, _ use: String) {
            let value = UInt128(first) << 112 | UInt128(second) << 96
            network = AddressNetwork(base: IPAddress(isIPv4: false, value: value), prefix: prefix)
            self.use = use
        }
    }

    private static let closedIPv4 = [
        ClosedNetwork(v4: 0, 0, 0, prefix: 8, "this network (RFC 791)"),
        ClosedNetwork(v4: 10, 0, 0, prefix: 8, "private (RFC 1918)"),
        ClosedNetwork(v4: 100, 64, 0, prefix: 10, "a provider's shared space (RFC 6598)"),
        ClosedNetwork(v4: 127, 0, 0, prefix: 8, "loopback (RFC 1122)"),
        ClosedNetwork(v4: 169, 254, 0, prefix: 16, "link local (RFC 3927)"),
        ClosedNetwork(v4: 172, 16, 0, prefix: 12, "private (RFC 1918)"),
        ClosedNetwork(v4: 192, 0, 0, prefix: 24, "for protocols (RFC 6890)"),
        ClosedNetwork(v4: 192, 0, 2, prefix: 24, "for documentation (RFC 5737)"),
        ClosedNetwork(v4: 192, 88, 99, prefix: 24, "the old 6to4 relay (RFC 7526)"),
        ClosedNetwork(v4: 192, 168, 0, prefix: 16, "private (RFC 1918)"),
        ClosedNetwork(v4: 198, 18, 0, prefix: 15, "for benchmarks (RFC 2544)"),
        ClosedNetwork(v4: 198, 51, 100, prefix: 24, "for documentation (RFC 5737)"),
        ClosedNetwork(v4: 203, 0, 113, prefix: 24, "for documentation (RFC 5737)"),
        ClosedNetwork(v4: 224, 0, 0, prefix: 4, "multicast (RFC 5771)"),
        ClosedNetwork(v4: 240, 0, 0, prefix: 4, "reserved (RFC 1112) or broadcast"),
    ]

    /// The addresses that IANA has assigned as global unicast (RFC 4291 section 2.4). Everything outside is closed:
    /// loopback, link-local and multicast addresses, and NAT64.
    private static let globalUnicast = ClosedNetwork(v6: 0x2000, 0, prefix: 3, "").network

    private static let closedIPv6 = [
        ClosedNetwork(v6: 0x2001, 0, prefix: 23, "for protocols (RFC 2928)"),
        ClosedNetwork(v6: 0x2001, 0x0DB8, prefix: 32, "for documentation (RFC 3849)"),
        ClosedNetwork(v6: 0x2002, 0, prefix: 16, "6to4 (RFC 3056)"),
        ClosedNetwork(v6: 0x3FFF, 0, prefix: 20, "for documentation (RFC 9637)"),
    ]
}

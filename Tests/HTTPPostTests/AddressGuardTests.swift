import NIOCore
import Testing

@testable import HTTPPost

/// The closed ranges, written down a second time as first and last addresses.
private let closedIPv4: [(String, String)] = [
    ("0.0.0.0", "0.255.255.255"), ("10.0.0.0", "10.255.255.255"),
    ("100.64.0.0", "100.127.255.255"), ("127.0.0.0", "127.255.255.255"),
    ("169.254.0.0", "169.254.255.255"), ("172.16.0.0", "172.31.255.255"),
    ("192.0.0.0", "192.0.0.255"), ("192.0.2.0", "192.0.2.255"),
    ("192.88.99.0", "192.88.99.255"), ("192.168.0.0", "192.168.255.255"),
    ("198.18.0.0", "198.19.255.255"), ("198.51.100.0", "198.51.100.255"),
    ("203.0.113.0", "203.0.113.255"), ("224.0.0.0", "239.255.255.255"),
    ("240.0.0.0", "255.255.255.255"),
]

private let openIPv6: (UInt128, UInt128) = (
    0x2000 << 112, 0x3FFF << 112 | (UInt128(1) << 112 - 1)
)
private let closedIPv6: [(UInt128, UInt128)] = [
    (0x2001_0000 << 96, 0x2001_01FF << 96 | (UInt128(1) << 96 - 1)),
    (0x2001_0DB8 << 96, 0x2001_0DB8 << 96 | (UInt128(1) << 96 - 1)),
    (0x2002_0000 << 96, 0x2002_FFFF << 96 | (UInt128(1) << 96 - 1)),
    (0x3FFF_0000 << 96, 0x3FFF_0FFF << 96 | (UInt128(1) << 96 - 1)),
]

private func number(_ quad: String) -> Int {
    quad.split(separator: ".").reduce(0) { $0 * 256 + (Int($1) ?? 0) }
}

private func bytes4(_ value: Int) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
}

private func bytes16(_ value: UInt128) -> [UInt8] {
    (0..<16).map { UInt8(truncatingIfNeeded: value >> UInt128(120 - 8 * $0)) }
}

private func isAllowed(_ verdict: AddressGuard.Verdict) -> Bool { verdict == .allowed }

@Suite struct AddressGuardTests {
    let judge = AddressGuard(allowed: [])

    private func expectIPv4(_ value: Int) throws {
        guard (0...0xFFFF_FFFF).contains(value) else { return }
        let closed = closedIPv4.contains { number($0.0)...number($0.1) ~= value }
        let quad = bytes4(value)
        #expect(isAllowed(judge.judge(bytes: quad)) == !closed, "\(quad)")
        let mapped = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF] + quad
        #expect(isAllowed(judge.judge(bytes: mapped)) == !closed, "::ffff:\(quad)")
        let address = try SocketAddress(packedIPAddress: ByteBuffer(bytes: quad), port: 443)
        #expect(isAllowed(judge.judge(address)) == !closed)
        let six = try SocketAddress(packedIPAddress: ByteBuffer(bytes: mapped), port: 443)
        #expect(isAllowed(judge.judge(six)) == !closed)
        // All other ways to embed an IPv4 address are closed.
        for prefix: [UInt8] in [[0, 0, 0, 0], [0, 0x64, 0xFF, 0x9B], [0x20, 0x02, 1, 2]] {
            let carried = prefix + [UInt8](repeating: 0, count: 8) + quad
            #expect(!isAllowed(judge.judge(bytes: carried)))
        }
    }

    @Test(arguments: closedIPv4)
    func bothEdgesOfIPv4(_ first: String, _ last: String) throws {
        for edge in [number(first), number(last)] {
            for value in edge - 1...edge + 1 { try expectIPv4(value) }
        }
    }

    @Test func manyIPv4() {
        let closed = closedIPv4.map { number($0.0)...number($0.1) }
        var value = 7
        var wrong: [[UInt8]] = []
        for _ in 0..<20_000 {
            value = (value &* 1_664_525 &+ 1_013_904_223) & 0xFFFF_FFFF
            let closed = closed.contains { $0 ~= value }
            if isAllowed(judge.judge(bytes: bytes4(value))) == closed {
                wrong.append(bytes4(value))
            }
        }
        #expect(wrong.isEmpty)
    }

    @Test func edgesOfIPv6() {
        for (first, last) in closedIPv6 + [openIPv6] {
            for value in [first - 1, first, first + 1, last - 1, last, last + 1] {
                let closed =
                    !(openIPv6.0...openIPv6.1 ~= value)
                    || closedIPv6.contains { $0.0...$0.1 ~= value }
                let verdict = judge.judge(bytes: bytes16(value))
                #expect(isAllowed(verdict) == !closed, "\(String(value, radix: 16))")
            }
        }
    }

    @Test(arguments: [
        "::", "::1", "fe80::1", "fc00::1", "fdff::1", "ff02::1", "64:ff9b::808:808",
        "100::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "4000::1", "2001::1",
    ])
    func closedByName(_ text: String) throws {
        #expect(!isAllowed(judge.judge(try SocketAddress(ipAddress: text, port: 443))))
    }

    @Test func aFileIsNoAddress() throws {
        #expect(!isAllowed(judge.judge(try SocketAddress(unixDomainSocketPath: "/tmp/x"))))
        #expect(!isAllowed(judge.judge(bytes: [1, 1, 1])))
    }

    @Test func allowedNetworksOpenOnlyThemselves() throws {
        let judge = AddressGuard(allowed: [try AddressNetwork("10.1.0.0/16")])
        #expect(isAllowed(judge.judge(bytes: [10, 1, 0, 0])))
        #expect(isAllowed(judge.judge(bytes: [10, 1, 255, 255])))
        #expect(isAllowed(judge.judge(bytes: bytes16(0xFFFF_0A01_0203))))
        #expect(!isAllowed(judge.judge(bytes: [10, 0, 255, 255])))
        #expect(!isAllowed(judge.judge(bytes: [10, 2, 0, 0])))
    }

    @Test func aPublicAddressNeedsTLSAndAnOpenPort() throws {
        let address = try SocketAddress(ipAddress: "8.8.8.8", port: 443)
        func verdict(_ isTLS: Bool, _ port: Int) -> AddressGuard.Verdict {
            let origin = Origin(isTLS: isTLS, host: "example.com", port: port)
            return judge.judge(address, for: origin, ports: [443, 8443])
        }
        #expect(isAllowed(verdict(true, 443)))
        #expect(isAllowed(verdict(true, 8443)))
        #expect(!isAllowed(verdict(true, 22)))
        #expect(!isAllowed(verdict(false, 443)))
        #expect(!isAllowed(verdict(false, 80)))
    }

    @Test(arguments: [
        "10.0.0.0/8", "0.0.0.0/0", "::/0", "fd00::/8", "127.0.0.1/32", "::1/128", "127.0.0.1",
        "::ffff:10.0.0.0/104",
    ])
    func networks(_ text: String) throws {
        _ = try AddressNetwork(text)
    }

    @Test(arguments: [
        "", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/+8",
        "10.0.0.1/8", "10/8", "0x0a.0.0.0/8", "010.0.0.0/8", "fd00::/129", "fe80::1%eth0/64",
        "localhost", "10.0.0.0/8 ", "::ffff:0:0/95", "10.0.0.0/8/8",
    ])
    func noNetworks(_ text: String) {
        #expect(throws: HTTPPostError.self) { try AddressNetwork(text) }
    }

    @Test func everythingAndNothing() throws {
        let all = try AddressNetwork("0.0.0.0/0")
        #expect(all.contains(try SocketAddress(ipAddress: "255.255.255.255", port: 1)))
        #expect(!all.contains(try SocketAddress(ipAddress: "::1", port: 1)))
        #expect(try AddressNetwork("::/0").contains(SocketAddress(ipAddress: "::1", port: 1)))
    }

    @Test(arguments: [
        "https://10.1.2.3/", "https://127.0.0.1/", "http://127.0.0.1:8080/", "https://[::1]/", "https://[fd00::1]/",
        "https://[::ffff:192.168.0.1]/", "https://localhost/", "https://a.localhost/", "http://desa.example/",
        "https://desa.example:8443/", "http://8.8.8.8/", "https://8.8.8.8:8443/", "https://169.254.169.254/",
    ])
    func whatNoConnectionMayReachIsRefusedBeforeOne(url: String) throws {
        #expect(!isAllowed(AddressGuard(allowed: []).judge(try HTTPTarget(url))))
    }

    @Test(arguments: [
        "https://desa.example/", "https://desa.example:443/", "https://8.8.8.8/", "https://[2606:4700::1]/",
        "https://localhost.example/",
    ])
    func whatMayLeadOutIsNotRefused(url: String) throws {
        #expect(isAllowed(AddressGuard(allowed: []).judge(try HTTPTarget(url))))
    }

    /// A name may lead into an allowed network, with any scheme and port.
    @Test(arguments: [
        ("http://127.0.0.1:8080/", true), ("http://localhost:8080/", true), ("http://desa.example:8080/", true),
        ("http://10.0.0.1/", false), ("http://8.8.8.8/", false), ("https://8.8.8.8/", true),
    ])
    func anOpenNetworkIsReachedInAnyWay(url: String, isReached: Bool) throws {
        let guarded = AddressGuard(allowed: [try AddressNetwork("127.0.0.0/8")])
        #expect(isAllowed(guarded.judge(try HTTPTarget(url))) == isReached)
    }
}

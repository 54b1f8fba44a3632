import Foundation
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import HTTPPost

/// Dead names never take the threads that other names need.
struct ResolverTests {
    /// Answers names such as `good.example`, and hangs on names that begin with `slow` until it is released.
    private final class NameServer: Sendable {
        let isReleased = Atomic(false)
        let asked = Mutex<[String: Int]>([:])

        func answer(_ host: String, _ port: Int) -> SystemResolver.Answer {
            asked.withLock { $0[host, default: 0] += 1 }
            if host.hasPrefix("slow") {
                while !isReleased.load(ordering: .relaxed) { usleepBriefly() }
                return .failure(.resolveFailed(host: host, reason: "no answer"))
            }
            return Result { try SocketAddress(ipAddress: "127.0.0.1", port: port) }.map { [$0] }
                .mapError { .resolveFailed(host: host, reason: "\($0)") }
        }

        private func usleepBriefly() {
            var pause = timespec(tv_sec: 0, tv_nsec: 5_000_000)
            nanosleep(&pause, nil)
        }
    }

    private static func with(_ body: (NameServer, SystemResolver) async throws -> Void) async throws {
        let server = NameServer()
        let resolver = SystemResolver(
            timeout: .milliseconds(300), threads: 8, eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            lookup: server.answer)
        defer { server.isReleased.store(true, ordering: .relaxed) }
        try await body(server, resolver)
        server.isReleased.store(true, ordering: .relaxed)
        await resolver.shutdown()
    }

    private static func fault(_ resolver: any AddressResolving, _ host: String) async -> HTTPPostError? {
        do throws(HTTPPostError) {
            _ = try await resolver.resolve(host, port: 1)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [6, 60])
    func namesThatAreSlowTakeNoThreadFromOneThatIsKnown(count: Int) async throws {
        try await Self.with { _, resolver in
            #expect(await Self.fault(resolver, "good.example") == nil)
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<count {
                    group.addTask { _ = await Self.fault(resolver, "slow.\(number).example") }
                }
                group.addTask {
                    for _ in 0..<20 {
                        #expect(await Self.fault(resolver, "good.example") == nil)
                        try? await Task.sleep(for: .milliseconds(20))
                    }
                }
            }
        }
    }

    @Test func waitingForAThreadIsNoFaultOfTheName() async throws {
        try await Self.with { server, resolver in
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<60 {
                    group.addTask {
                        let host = "slow.\(number).example"
                        let fault = await Self.fault(resolver, host)
                        let wasAsked = server.asked.withLock { $0[host] != nil }
                        #expect(
                            fault == (wasAsked ? .timedOut(host: host, stage: .resolving) : .resolverBusy(host: host)))
                    }
                }
            }
        }
    }

    @Test func oneOwnersNamesHaveAShare() async throws {
        try await Self.with { _, resolver in
            async let slow: Void = withTaskGroup(of: Void.self) { group in
                for number in 0..<60 { group.addTask { _ = await Self.fault(resolver, "slow\(number).evil.example") } }
            }
            try await Task.sleep(for: .milliseconds(50))
            #expect(await Self.fault(resolver, "new.other.example") == nil)
            await slow
        }
    }

    @Test func aNameThatHangsTakesOneThread() async throws {
        try await Self.with { server, resolver in
            for _ in 0..<3 {
                #expect(
                    await Self.fault(resolver, "slow.example") == .timedOut(host: "slow.example", stage: .resolving))
            }
            #expect(server.asked.withLock { $0["slow.example"] } == 1)
        }
    }

    @Test func slowNamesAreRememberedAndOldAddressesServe() async throws {
        let base = Switching()
        let cache = CachingResolver(base, lifetime: .milliseconds(1))
        #expect(await Self.fault(cache, "a.example") == nil)
        base.fault.withLock { $0 = .resolverBusy(host: "a.example") }
        try await Task.sleep(for: .milliseconds(5))
        #expect(await Self.fault(cache, "a.example") == nil)
        #expect(await Self.fault(cache, "b.example") == .resolverBusy(host: "a.example"))
        base.fault.withLock { $0 = .timedOut(host: "b.example", stage: .resolving) }
        for _ in 0..<3 { _ = await Self.fault(cache, "b.example") }
        #expect(base.asked.withLock { $0 } == 4, "what is remembered is not asked")
        base.fault.withLock { $0 = .resolveFailed(host: "a.example", reason: "gone") }
        try await Task.sleep(for: .milliseconds(5))
        #expect(await Self.fault(cache, "a.example") == .resolveFailed(host: "a.example", reason: "gone"))
    }

    private final class Switching: AddressResolving {
        let fault = Mutex<HTTPPostError?>(nil)
        let asked = Mutex(0)

        func resolve(_ host: String, port: Int) async throws(HTTPPostError) -> [SocketAddress] {
            asked.withLock { $0 += 1 }
            if let fault = fault.withLock({ $0 }) { throw fault }
            do {
                return [try SocketAddress(ipAddress: "127.0.0.1", port: port)]
            } catch {
                throw .resolveFailed(host: host, reason: "\(error)")
            }
        }
    }

    @Test(arguments: [
        ("a.b.example.com", "example.com"), ("example.com", "example.com"), ("X.Example.COM", "example.com"),
        ("hook.jatimprov.go.id", "jatimprov.go.id"), ("jatimprov.go.id", "jatimprov.go.id"), ("go.id", "go.id"),
        ("a.b.id", "b.id"), ("localhost", "localhost"), ("192.0.2.7", "4.12582914"),
        ("2001:db8:0:1::1", "6.35246231158784"),
    ])
    func namesHaveAnOwner(host: String, owner: String) {
        if owner.hasPrefix("6.") {
            #expect(HostOwner.name(of: host) == HostOwner.name(of: "2001:db8:0:ffff::2"))
        } else {
            #expect(HostOwner.name(of: host) == (owner.hasPrefix("4.") ? HostOwner.name(of: "192.0.2.9") : owner))
        }
    }
}

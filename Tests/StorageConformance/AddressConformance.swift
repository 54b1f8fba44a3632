import Bulletins
import Storage
import Testing

/// One address is one endpoint, however it is spelled.
struct AddressConformance {
    private let first = "Pak.RT@dusun.example"
    private let second = "pak.rt@dusun.example"

    private func subscribed(_ backend: Backend) async throws -> TestStore {
        let test = try backend.make()
        try await test.subscribe(first, "73")
        try await test.subscribe(second, "73")
        try await test.subscribe(second, "73.71")
        return test
    }

    @Test(arguments: Backend.allCases)
    func twoSpellingsGetOneMail(backend: Backend) async throws {
        let test = try await subscribed(backend)
        let stored = try await test.store.subscriptions(limit: 9)
        #expect(stored.map(\.subscription.endpoint.address) == [first, first])
        _ = try await test.accept("b")
        try await test.fanOut()
        #expect(try await test.claim().map(\.address) == [first], "mail goes to the spelling that came first")
    }

    @Test(arguments: Backend.allCases)
    func eitherSpellingFindsIt(backend: Backend) async throws {
        let test = try await subscribed(backend)
        _ = try await test.accept("b")
        try await test.fanOut()
        for address in [first, second, "PAK.RT@Dusun.Example"] {
            let found = try await test.store.deliveries(DeliveryFilter(address: address), limit: 9)
            #expect(found.count == 1, "by \(address)")
            let endpoint = Endpoint(channel: .email, address: address)
            #expect(try await test.store.subscriptions(at: [endpoint]).count == 2, "by \(address)")
        }
        #expect(try await test.store.deliveries(DeliveryFilter(address: "rt@dusun.example"), limit: 9).isEmpty)
    }

    @Test(arguments: Backend.allCases)
    func eitherSpellingSuppressesIt(backend: Backend) async throws {
        let test = try await subscribed(backend)
        try await test.store.suppress(second.uppercased(), why: "test", now: test.now)
        _ = try await test.accept("b")
        try await test.fanOut()
        #expect(try await test.claim().map(\.halt) == [.suppressed])
        #expect(try await test.store.unsuppress(first))
    }

    @Test(arguments: Backend.allCases)
    func eitherSpellingErasesIt(backend: Backend) async throws {
        let test = try await subscribed(backend)
        #expect(try await test.store.erase(second, now: test.now) > 0)
        #expect(try await test.store.subscriptions(limit: 9).isEmpty)
        try await test.store.suppress(first, why: "test", now: test.now)
        #expect(try await test.store.erase(second, now: test.now) > 0, "the suppression knew the address")
        try await test.subscribe(second, "73")
        _ = try await test.accept("b")
        try await test.fanOut()
        #expect(try await test.claim().map(\.halt) == [.suppressed], "an erased address stays suppressed")
    }

    @Test(arguments: Backend.allCases)
    func anOwnerInTwoSpellingsIsOne(backend: Backend) async throws {
        let test = try backend.make()
        try await test.subscribe("https://x.example/a", "73", channel: .webhook, of: Subscriber(owner: first))
        try await test.subscribe("https://x.example/b", "73", channel: .webhook, of: Subscriber(owner: second))
        let owners = try await test.store.subscriptions(limit: 9).map(\.subscriber.owner)
        #expect(owners == [first, first])
    }
}

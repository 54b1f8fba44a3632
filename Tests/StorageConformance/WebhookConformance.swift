import Bulletins
import Foundation
import Storage
import Testing

@testable import StorageSQLite

/// How webhooks are verified and signed.
@Suite struct WebhookConformance {
    private func subscription(_ address: String = "https://x.example/hook") throws -> Subscription {
        Subscription(
            endpoint: Endpoint(channel: .webhook, address: address), region: try #require(Region("73")), field: .any)
    }

    private func add(_ test: TestStore, _ terms: EndpointRequest) async throws -> StoredSubscription {
        let made = try await test.store.add(
            [try subscription()], of: Subscriber(), terms: terms, zones: TestStore.zones, now: test.now)
        return try #require(made.first)
    }

    private func isRouted(_ test: TestStore, _ name: String) async throws -> Bool {
        _ = try await test.accept(name)
        try await test.fanOut()
        return try await !test.deliveries(name).isEmpty
    }

    @Test(arguments: Backend.allCases)
    func whatIsNotVerifiedGetsNothing(backend: Backend) async throws {
        let test = try backend.make()
        let made = try await add(test, EndpointRequest(isVerified: false))
        #expect(made.state == "unverified" && made.verifiedAt == nil && made.newSecret != nil)
        #expect(try await test.store.subscriptions(limit: 9).map(\.state) == ["unverified"])
        #expect(try await !isRouted(test, "a"))
        let webhook = try #require(try await test.store.webhook(of: made.number, now: test.now))
        #expect(!webhook.isActive && webhook.address == "https://x.example/hook")
        try await test.store.markVerified(endpoint: webhook.signing.endpoint, now: test.now)
        #expect(try await isRouted(test, "b"))
        #expect(try await test.store.subscriptions(limit: 9).map(\.verifiedAt) == [test.now])
    }

    /// Keys are made of the endpoint's number and the version, and not stored.
    @Test(arguments: Backend.allCases)
    func eachEndpointAndVersionHasKeysOfItsOwn(backend: Backend) async throws {
        let test = try backend.make()
        let made = try await add(test, EndpointRequest())
        let signing = try #require(try await test.store.webhook(of: made.number, now: test.now)).signing
        let secret = test.store.webhookSecret(endpoint: signing.endpoint, version: signing.version)
        #expect(secret == made.newSecret)
        let key = test.store.webhookKey(endpoint: signing.endpoint, version: signing.version)
        #expect(secret == "whsec_" + Data(key).base64EncodedString())
        #expect(secret != test.store.webhookSecret(endpoint: signing.endpoint, version: signing.version + 1))
        let seeds = [(1, 1), (1, 2), (2, 1)].map { test.store.webhookSeed(endpoint: $0, version: $1) }
        #expect(Set(seeds).count == 3 && seeds.allSatisfy { $0.count == 32 })
    }

    @Test(arguments: Backend.allCases)
    func anotherAddThatIsNotVerifiedChangesNothing(backend: Backend) async throws {
        let test = try backend.make()
        #expect(try await add(test, EndpointRequest()).state == "active")
        #expect(try await add(test, EndpointRequest(isVerified: false)).state == "active")
        let other = try backend.make()
        #expect(try await add(other, EndpointRequest(isVerified: false)).state == "unverified")
        #expect(try await add(other, EndpointRequest(isVerified: false)).state == "unverified")
        #expect(try await add(other, EndpointRequest()).state == "active")
    }

    /// Whoever asks, and whatever was looked at before: only a rotation changes what a receiver counts on.
    @Test(arguments: Backend.allCases)
    func theWriterKeepsTheSignaturesOfALiveWebhook(backend: Backend) async throws {
        let test = try backend.make()
        let made = try await add(test, EndpointRequest(signatures: .hmac))
        #expect(try await add(test, EndpointRequest(signatures: .ed25519)).webhook?.schemes == .hmac)
        let (first, second) = (try subscription("https://y.example/hook"), try subscription("https://y.example/hook"))
        let wishes = [(first, SignatureSchemes.hmac), (second, SignatureSchemes.ed25519)].map {
            SubscriptionWish($0, of: Subscriber(), terms: EndpointRequest(signatures: $1))
        }
        let stored = try await test.store.add(wishes, zones: TestStore.zones, now: test.now)
        #expect(stored.map(\.webhook?.schemes) == [.hmac, .hmac])
        // Without subscriptions nobody counts on it.
        #expect(try await test.store.removeSubscription(made.number, now: test.now))
        #expect(try await add(test, EndpointRequest(signatures: .ed25519)).webhook?.schemes == .ed25519)
    }

    /// Terms that are there stay, and come back so that the caller can tell.
    @Test(arguments: Backend.allCases)
    func theWriterKeepsTheTermsThatAreThere(backend: Backend) async throws {
        let test = try backend.make()
        let made = try await add(test, EndpointRequest())
        var other = try subscription()
        (other.urgency, other.payload, other.language) = (.emergency, .thin, "en")
        let again = try await test.add([other])
        #expect(again.map(\.number) == [made.number] && again.map(\.subscription) == [made.subscription])
        #expect(try await test.store.subscriptions(limit: 9).map(\.subscription) == [made.subscription])
    }

    @Test(arguments: Backend.allCases)
    func keysBeforeARotationSignUntilTheOverlapEnds(backend: Backend) async throws {
        let test = try backend.make()
        let made = try await add(test, EndpointRequest(signatures: [.hmac, .ed25519]))
        let ends = test.now + .seconds(3600)
        let rotated = try #require(
            try await test.store.rotateSecret(ofSubscription: made.number, overlapEnds: ends, now: test.now))
        #expect(rotated.newSecret != made.newSecret && rotated.webhook?.previousUntil == ends)
        #expect(rotated.webhook?.publicKey != made.webhook?.publicKey && rotated.webhook?.version == 2)
        for name in ["a", "b"] { _ = try await test.accept(name) }
        try await test.fanOut()
        let during = try #require(try await test.claim(.webhook, limit: 1).first?.terms.signing)
        #expect(during.versions == [2, 1] && during.schemes == [.hmac, .ed25519])
        let after = try #require(try await test.claim(.webhook, limit: 1, at: ends).first?.terms.signing)
        #expect(after.versions == [2])
        #expect(try await test.store.webhook(of: made.number, now: ends)?.signing == after)
    }

    @Test(arguments: Backend.allCases)
    func aRotationWithoutOverlapEndsTheKeysBefore(backend: Backend) async throws {
        let test = try backend.make()
        let made = try await add(test, EndpointRequest())
        for _ in 0..<2 {
            _ = try await test.store.rotateSecret(
                ofSubscription: made.number, overlapEnds: test.now + .seconds(60), now: test.now)
        }
        #expect(try await test.store.webhook(of: made.number, now: test.now)?.signing.versions == [3, 2])
        let last = try await test.store.rotateSecret(
            ofSubscription: made.number, overlapEnds: test.now, now: test.now)
        #expect(last?.webhook?.previousUntil == nil)
        #expect(try await test.store.webhook(of: made.number, now: test.now)?.signing.versions == [4])
    }

    @Test(arguments: Backend.allCases)
    func onlyAWebhookHasKeys(backend: Backend) async throws {
        let test = try backend.make()
        try await test.subscribe("a@x.example", "73")
        let number = try #require(try await test.store.subscriptions(limit: 1).first?.number)
        #expect(try await test.store.webhook(of: number, now: test.now) == nil)
        #expect(
            try await test.store.rotateSecret(ofSubscription: number, overlapEnds: test.now, now: test.now) == nil)
    }
}

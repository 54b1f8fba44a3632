import Administration
import Bulletins
import Storage
import Testing

struct BulletinOperationsTests {
    @Test func aBulletinIsShownWithItsRevisionsAndThread() async throws {
        let desk = try TestDesk()
        try await desk.register()
        try await desk.record("usul", ["kind": "proposal", "proposal": ["state": "submitted"]])
        try await desk.record(
            "jawab",
            ["inReplyTo": "uji/usul", "proposal": ["state": "accommodated", "stage": "regency"]])
        try await desk.record("usul", revision: 2, ["kind": "proposal", "proposal": ["state": "submitted"]])
        func shown(_ name: String) async throws -> [String] {
            try await desk.bulletins.show(id(name)).map {
                "\($0.relation.rawValue) \($0.row.stored.id.id) \($0.row.stored.revision)"
            }
        }
        #expect(try await shown("usul") == ["revision usul 2", "revision usul 1", "answer jawab 1"])
        #expect(try await shown("jawab") == ["revision jawab 1", "proposal usul 2"])
        await expect(.unknown, "there is no bulletin uji/tiada", "bulletins list") {
            _ = try await desk.bulletins.show(id("tiada"))
        }
    }

    @Test func aHeldBulletinIsApprovedOrRejectedOnce() async throws {
        let desk = try TestDesk()
        try await desk.record("baik", isModerated: true)
        try await desk.record("buruk", isModerated: true)
        #expect(try await desk.bulletins.approve(id("baik")) == .published)
        try await desk.bulletins.reject(id("buruk"), why: " Bukan kewenangan ")
        await expect(.conflict, "uji/baik is not held; it is published") {
            _ = try await desk.bulletins.approve(id("baik"))
        }
        await expect(.conflict, "uji/buruk is not held; it is rejected") {
            try await desk.bulletins.reject(id("buruk"), why: "x")
        }
        await expect(.invalid, "--why") { try await desk.bulletins.reject(id("baik"), why: " \u{200B}") }
    }

    @Test func anExpiredBulletinIsNotApproved() async throws {
        let desk = try TestDesk()
        try await desk.record("lewat", isModerated: true, ["expiresAt": "2027-01-01T00:00:00Z"])
        await expect(.conflict, "uji/lewat expired at 2027-01-01T00:00:00Z") {
            _ = try await desk.bulletins.approve(id("lewat"))
        }
    }

    /// A rejected correction does not hide the revision that waits.
    @Test func theRevisionThatWaitsIsDecidedAbout() async throws {
        let desk = try TestDesk()
        try await desk.record("b", isModerated: true)
        try await desk.bulletins.reject(id("b"), why: "x")
        try await desk.record("b", revision: 2, isModerated: true)
        #expect(try await desk.bulletins.approve(id("b")) == .published)
    }

    @Test func aWithdrawalIsTheNextRevision() async throws {
        let desk = try TestDesk()
        try await desk.register()
        try await desk.record("b")
        try await desk.bulletins(as: .publisher("uji")).withdraw(id("b"), why: "Keliru")
        let newest = try #require(try await desk.bulletins.show(id("b")).first).row.stored
        #expect(newest.revision == 2 && newest.state == .withdrawn)
        #expect(try newest.bulletin().note == "Keliru")
        await expect(.conflict, "uji/b is withdrawn already") {
            try await desk.bulletins.withdraw(id("b"), why: "x")
        }
    }

    @Test func anotherUsersPublisherIsRefusedBeforeItIsSent() async throws {
        let desk = try TestDesk()
        try await desk.register()
        let bulletin = PublishedBulletin(line: 1, bytes: TestDesk.payload("b"))
        try await desk.bulletins.requireUser("uji", of: [bulletin])
        await expect(.conflict, "nothing is sent: uji is registered for the AMQP user uji", "KENTONGAN_AMQP_URL") {
            try await desk.bulletins.requireUser("lain", of: [bulletin])
        }
    }

    @Test func coverageTellsRegionsAndLevels() async throws {
        let desk = try TestDesk()
        _ = try await desk.subscribe("a@x.example", "73.71.01.1001")
        try await desk.record("b")
        try await desk.deliver(.delivered)
        _ = try await desk.subscribe("b@x.example", "73.72")
        let tree = try TestDesk.registries().regions
        let regions = try await desk.bulletins(as: .publisher("uji")).coverage(of: id("b"), in: tree)
        #expect(regions.map(\.region.code) == ["73.71", "73.72"])
        #expect(regions.map(\.state) == ["reached", "nobody-subscribed"])
        #expect(regions.map(\.endpoints) == [1, 0] && regions.map(\.delivered) == [1, 0])
        let levels = try await desk.bulletins.levelCoverage(of: id("b"), in: tree)
        #expect(
            levels.map { "\($0.level) \($0.regions) \($0.subscribed) \($0.reached)" } == [
                "regency 2 1 1", "district 1 1 1", "village 1 1 1",
            ])
    }
}

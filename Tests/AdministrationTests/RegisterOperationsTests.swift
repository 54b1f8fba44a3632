import Administration
import Bulletins
import Foundation
import Intake
import Storage
import Testing

/// Publishers, addresses, regions, the hub and the store.
struct RegisterOperationsTests {
    @Test func publishersAreReplacedAndRemoved() async throws {
        let desk = try TestDesk()
        try await desk.register()
        try await desk.register(isModerated: true)
        let found = try await desk.publishers.list(PageRequest(limit: 9)).rows
        #expect(found.map(\.slug) == ["uji"] && found[0].isModerated)
        try await desk.publishers.remove("uji")
        await expect(.unknown, "uji is not registered", "publishers list") {
            try await desk.publishers.remove("uji")
        }
    }

    @Test func anAddressIsSuppressedByItsOneSpelling() async throws {
        let desk = try TestDesk()
        #expect(try await desk.subscribers.suppress(" Siti@X.Example", why: "diminta") == "Siti@x.example")
        #expect(try await desk.subscribers.suppressions(PageRequest(limit: 9)).rows.map(\.why) == ["diminta"])
        _ = try await desk.subscribers.unsuppress("siti@x.example")
        await expect(.unknown, "siti@x.example is not suppressed") {
            _ = try await desk.subscribers.unsuppress("siti@x.example")
        }
        await expect(.invalid, "bukan alamat is no email address") {
            _ = try await desk.subscribers.suppress("bukan alamat", why: "x")
        }
    }

    @Test func anErasedAddressIsForgotten() async throws {
        let desk = try TestDesk()
        _ = try await desk.subscribe("a@x.example")
        #expect(try await desk.subscribers.erase("a@x.example"))
        #expect(try await desk.subscriptions.list(PageRequest(limit: 9)).rows.isEmpty)
        await expect(.unknown, "a@x.example is not known") { _ = try await desk.subscribers.erase("a@x.example") }
    }

    @Test func addressesWithoutDoublesHaveNone() async throws {
        let desk = try TestDesk()
        _ = try await desk.subscribe("a@x.example")
        #expect(try await desk.subscribers.doubles().isEmpty)
        let webhooks = [1, 2].map {
            AddressDouble.Spelling(endpoint: $0, address: "https://a.example", subscriptions: 1)
        }
        let double = AddressDouble(channel: .webhook, spellings: webhooks)
        #expect(try await desk.subscribers.merge(double) == false)
    }

    // MARK: - Regions

    @Test func registriesAreOpenToAll() throws {
        let regions = RegionOperations(.publisher("uji"), registries: try TestDesk.registries())
        let found = regions.search("mariso", limit: 9)
        #expect(found.map(\.region.code) == ["73.71.01"] && found.map(\.name) == ["Mariso"])
        #expect(found[0].path.contains("Kota Makassar"))
        #expect(regions.fields(limit: 1).map(\.field.code) == ["kesehatan"])
    }

    private let merged = TestDesk.regionsCSV.replacing("73.72,Kota Parepare,2\n", with: "")

    @Test func anImportMovesSubscriptionsAndPutsTheFiles() async throws {
        let desk = try TestDesk()
        _ = try await desk.subscribe("a@x.example", "73.72")
        let (regions, new) = try plan("old_code,new_code\n73.72,73.71\n")
        let planned = try await regions.plan(new, desk.store)
        #expect(planned.map(\.from.code) == ["73.72"] && planned.map { $0.to.map(\.code) } == [["73.71"]])
        let files = RegionFiles(
            regions: desk.folder.appending(path: "regions.csv").path,
            successors: desk.folder.appending(path: "successors.csv").path)
        #expect(try await regions.replace(by: new, files, desk.store) == planned)
        #expect(try String(contentsOfFile: files.regions, encoding: .utf8) == merged)
        let successors = try String(contentsOfFile: files.successors, encoding: .utf8)
        #expect(successors == "old_code,new_code,old_name\n73.09,73.71,\n73.72,73.71,Kota Parepare\n")
        let moved = try await desk.subscriptions.list(PageRequest(limit: 9)).rows
        #expect(moved.map(\.subscription.region.code) == ["73.71"])
    }

    private func plan(_ successors: String?) throws -> (RegionOperations, RegionImport) {
        let registries = try TestDesk.registries()
        let new = try RegionImport(
            regions: Array(merged.utf8), file: "baru.csv", successors: successors.map { Array($0.utf8) },
            old: registries)
        return (RegionOperations(.operator, registries: registries, clock: TestDesk.clock), new)
    }

    @Test func aRegionWithoutASuccessorRefusesTheImport() async throws {
        let desk = try TestDesk()
        _ = try await desk.subscribe("a@x.example", "73.72")
        let (regions, new) = try plan(nil)
        await expect(.conflict, "73.72 is retired without a successor, and 1 subscriptions", "--successors") {
            _ = try await regions.plan(new, desk.store)
        }
        await expect(.invalid, "99, for 73.72, is not among the new regions") {
            _ = try plan("old_code,new_code\n73.72,99\n")
        }
        await expect(.invalid, "rusak.csv") {
            _ = try RegionImport(
                regions: Array("code,name,level\nx,y,1\n".utf8), file: "rusak.csv", successors: nil,
                old: try TestDesk.registries())
        }
    }

    /// A folder that cannot be written is found before the store is changed.
    @Test func filesThatCannotBeWrittenLeaveTheStoreAsItIs() async throws {
        let desk = try TestDesk()
        _ = try await desk.subscribe("a@x.example", "73.72")
        let (regions, new) = try plan("old_code,new_code\n73.72,73.71\n")
        let file = desk.folder.appending(path: "tiada/regions.csv").path
        await expect(.invalid, "cannot be replaced") {
            _ = try await regions.replace(by: new, RegionFiles(regions: file, successors: file + "2"), desk.store)
        }
        let rows = try await desk.subscriptions.list(PageRequest(limit: 9)).rows
        #expect(rows.map(\.subscription.region.code) == ["73.72"])
    }

    // MARK: - The hub and the store

    @Test func aHubSubscriptionIsShownAndEnded() async throws {
        let desk = try TestDesk()
        let region = try #require(Region("73"))
        let topic = HubTopic(path: "/feeds/73.rss", source: FeedSource(.region(region, .any)))
        let request = HubRequest(
            mode: .subscribe, callback: "https://a.example/1", host: "a.example", topic: topic, leaseSeconds: 600,
            secret: nil)
        _ = try await desk.store.ask(request, from: "4.1", limits: HubLimits(), now: TestDesk.now)
        let asked = try #require(try await desk.store.dueVerifications(limit: 1, now: TestDesk.now).first)
        try await desk.store.settle(asked, .confirmed, limits: HubLimits(), now: TestDesk.now)
        #expect(try await desk.hub.list(PageRequest(limit: 9)).rows.map(\.callback) == ["https://a.example/1"])
        #expect(try await desk.hub.show(1).row.state == "active")
        try await desk.hub.remove(1)
        await expect(.unknown, "there is no such subscription 1", "websub list") { try await desk.hub.remove(1) }
        await expect(.unknown, "there is no such subscription 9") { _ = try await desk.hub.show(9) }
    }

    @Test func theStoreIsMadeAndItsClockTrusted() async throws {
        let desk = try TestDesk()
        let store = desk.store
        let operations = StoreOperations(.operator, clock: TestDesk.clock)
        let identity = try await store.identity()
        #expect(try await operations.migrate { store } == identity)
        try await operations.trustClock(store)
        let (now, hold) = try await operations.retentionHold(store)
        #expect(now == TestDesk.now && hold == nil)
    }
}

import Bulletins
import Foundation
import Intake
import Runtime
import Storage
import Testing

@testable import Administration

/// The permissions of principals. Each operation is tried in the name of somebody who may not do it.
struct PrincipalTests {
    @Test(arguments: [
        (Principal.operator, Permission.change, true), (.operator, .publish(as: "uji"), true),
        (.reader, .read, true), (.reader, .readBulletins(of: "uji"), true), (.reader, .change, false),
        (.reader, .publish(as: "uji"), false), (.publisher("uji"), .readBulletins(of: "uji"), true),
        (.publisher("uji"), .publish(as: "uji"), true), (.publisher("uji"), .publish(as: "lain"), false),
        (.publisher("uji"), .readBulletins(of: "lain"), false), (.publisher("uji"), .read, false),
        (.publisher("uji"), .change, false),
    ])
    func aPrincipalHasItsPermissionsOnly(_ principal: Principal, _ permission: Permission, _ isGranted: Bool) {
        #expect(((try? principal.require(permission)) != nil) == isGranted)
    }

    @Test func theErrorNamesBoth() async {
        await expect(.forbidden, "the publisher uji may not publish as lain") {
            try Principal.publisher("uji").require(.publish(as: "lain"))
        }
    }

    @Test func aReaderChangesNothing() async throws {
        let desk = try TestDesk()
        for change in try changes(desk, .reader) { await expect(.forbidden, "may not") { try await change() } }
    }

    @Test func aPublisherTouchesNothingOfOthers() async throws {
        let desk = try TestDesk()
        let principal = Principal.publisher("lain")
        for operation in try changes(desk, principal) + reads(desk, principal) {
            await expect(.forbidden, "may not") { try await operation() }
        }
    }

    private typealias Operation = () async throws -> Void

    private func changes(_ desk: TestDesk, _ principal: Principal) throws -> [Operation] {
        let store = desk.store
        let (bulletins, rejected) = (
            BulletinOperations(principal, store: store), RejectedOperations(principal, store: store)
        )
        let (deliveries, publishers) = (
            DeliveryOperations(principal, store: store), PublisherOperations(principal, store: store)
        )
        let (subscriptions, subscribers) = (
            SubscriptionOperations(principal, store: store), SubscriberOperations(principal, store: store)
        )
        let (hub, file) = (HubOperations(principal, store: store), desk.folder.appending(path: "x").path)
        let registries = try TestDesk.registries()
        let regions = RegionOperations(principal, registries: registries)
        let judge = MessageJudge(registries: registries, requiresUser: true)
        let codes = try RegionImport(
            regions: Array(TestDesk.regionsCSV.utf8), file: "f", successors: nil, old: registries)
        let typed = TypedSubscription(channel: "email", address: "a@x.example", regions: ["73"])
        let order = try TestDesk.reader().read(typed)
        let bulletin = PublishedBulletin(line: 1, bytes: TestDesk.payload("b"))
        let double = AddressDouble(channel: .email, spellings: [])
        return [
            { _ = try await bulletins.approve(id("b")) }, { try await bulletins.reject(id("b"), why: "x") },
            { try await bulletins.withdraw(id("b"), why: "x") },
            { try await bulletins.requireUser("u", of: [bulletin]) },
            { try await deliveries.retry(RetrySelection()) { _ in } },
            { _ = try await rejected.requeue(1, judge: judge) }, { try await publishers.save([]) },
            { try await publishers.remove("uji") }, { try await subscriptions.remove(1) },
            {
                _ = try await subscriptions.add(
                    order, zones: registries.timeZones, challenge: TestDesk.noChallenge)
            },
            {
                _ = try await subscriptions.import(
                    zones: registries.timeZones, next: { _ in [] }, each: { _, _ in })
            },
            { try await subscriptions.verify(1, TestDesk.noChallenge) },
            { _ = try await subscriptions.rotateSecret(of: 1, overlap: .zero) },
            { _ = try await subscribers.suppress("a@x.example", why: "x") },
            { _ = try await subscribers.unsuppress("a@x.example") },
            { _ = try await subscribers.erase("a@x.example") }, { _ = try await subscribers.merge(double) },
            { try await hub.remove(1) },
            { _ = try await regions.replace(by: codes, RegionFiles(regions: file, successors: file), store) },
            { try await StoreOperations(principal).migrate { store } },
            { try await StoreOperations(principal).trustClock(store) },
            { try await DryRun(principal, judge: judge, store: store).run([bulletin], user: nil) { _ in } },
        ]
    }

    private func reads(_ desk: TestDesk, _ principal: Principal) throws -> [Operation] {
        let store = desk.store
        let (bulletins, tree) = (BulletinOperations(principal, store: store), try TestDesk.registries().regions)
        let codes = try RegionImport(
            regions: Array(TestDesk.regionsCSV.utf8), file: "f", successors: nil, old: TestDesk.registries())
        let regions = RegionOperations(principal, registries: try TestDesk.registries())
        return [
            { _ = try await bulletins.list(PageRequest(limit: 1)) }, { _ = try await bulletins.show(id("b")) },
            { _ = try await bulletins.coverage(of: id("b"), in: tree) },
            { _ = try await bulletins.levelCoverage(of: id("b"), in: tree) },
            {
                _ = try await DeliveryOperations(principal, store: store).list(
                    DeliveryFilter(), PageRequest(limit: 1))
            }, { _ = try await DeliveryOperations(principal, store: store).show(1) },
            { _ = try await DeliveryOperations(principal, store: store).summary() },
            { _ = try await RejectedOperations(principal, store: store).list(PageRequest(limit: 1)) },
            { _ = try await RejectedOperations(principal, store: store).show(1) },
            { _ = try await PublisherOperations(principal, store: store).list(PageRequest(limit: 1)) },
            { _ = try await SubscriptionOperations(principal, store: store).list(PageRequest(limit: 1)) },
            { _ = try await SubscriptionOperations(principal, store: store).export { _ in } },
            { _ = try await SubscriberOperations(principal, store: store).suppressions(PageRequest(limit: 1)) },
            { _ = try await SubscriberOperations(principal, store: store).doubles() },
            { _ = try await HubOperations(principal, store: store).list(PageRequest(limit: 1)) },
            { _ = try await HubOperations(principal, store: store).show(1) },
            { _ = try await StoreOperations(principal).retentionHold(store) },
            { _ = try await regions.plan(codes, store) },
        ]
    }
}

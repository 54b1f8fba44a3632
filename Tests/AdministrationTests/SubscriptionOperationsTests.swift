import Administration
import Bulletins
import Storage
import Testing

struct SubscriptionOperationsTests {
    private let hook = "https://a.example/hook"

    private func add(
        _ desk: TestDesk, _ typed: TypedSubscription, isVerified: Bool = true,
        challenge: SubscriptionOperations.Challenge = TestDesk.noChallenge
    ) async throws -> AddedSubscriptions {
        var order = try TestDesk.reader().read(typed)
        order.terms.isVerified = isVerified
        return try await desk.subscriptions.add(
            order, zones: try TestDesk.registries().timeZones, challenge: challenge)
    }

    @Test func oneSubscriptionIsMadeForEachRegionAndField() async throws {
        let desk = try TestDesk()
        var typed = TypedSubscription(channel: "webhook", address: hook, regions: ["73.71", "74"])
        typed.fields = ["desa", "kesehatan"]
        let added = try await add(desk, typed)
        #expect(
            added.subscriptions.map { "\($0.subscription.region) \($0.subscription.field)" } == [
                "73.71 desa", "73.71 kesehatan", "74 desa", "74 kesehatan",
            ])
        #expect(Set(added.subscriptions.map(\.newSecret)).count == 1 && added.subscriptions[0].newSecret != nil)
        #expect(added.fault == nil && added.unverified == nil)
    }

    /// A subscription that is there stays as it is, and the fault says how.
    @Test func otherTermsOfASubscriptionAreRefused() async throws {
        let desk = try TestDesk()
        var typed = TypedSubscription(channel: "email", address: "a@x.example", regions: ["73"])
        _ = try await add(desk, typed)
        typed.frequency = "daily"
        let added = try await add(desk, typed)
        let fault = try #require(added.fault)
        #expect(
            fault.kind == .conflict && "\(fault)".contains("is there with frequency immediate; remove it first with"))
        #expect(added.subscriptions.map(\.subscription.frequency) == [.immediate])
    }

    @Test func signaturesThatAReceiverRelyOnAreKept() async throws {
        let desk = try TestDesk()
        var typed = TypedSubscription(channel: "webhook", address: hook, regions: ["73"])
        _ = try await add(desk, typed)
        typed.signatures = ["v1a"]
        await expect(.conflict, "the webhook is signed by v1, which its receiver counts on") {
            _ = try await add(desk, typed)
        }
    }

    @Test func aWebhookIsActiveOnceItHasAnswered() async throws {
        let desk = try TestDesk()
        let typed = TypedSubscription(channel: "webhook", address: hook, regions: ["73"])
        let silent = try await add(desk, typed, isVerified: false) { _, _ in "it answered 404" }
        #expect(silent.subscriptions[0].state == "unverified" && silent.subscriptions[0].newSecret != nil)
        #expect("\(try #require(silent.unverified))".contains("it answered 404; once it answers: kentongan"))
        await expect(.conflict, "the webhook of subscription 1 is not verified: it answered 404") {
            try await desk.subscriptions.verify(1) { _, _ in "it answered 404" }
        }
        #expect(try await desk.subscriptions.verify(1) { _, _ in nil } == TestDesk.now)
        // One that is on already is not asked again.
        #expect(try await desk.subscriptions.verify(1, TestDesk.noChallenge) == TestDesk.now)
        let listed = try await desk.subscriptions.list(PageRequest(limit: 9)).rows
        #expect(listed.map(\.state) == ["active"] && listed[0].newSecret == nil)
        let asked = try await add(
            desk, TypedSubscription(channel: "webhook", address: "https://b.example/", regions: ["73"]),
            isVerified: false
        ) { webhook, _ in webhook.address == "https://b.example/" ? nil : webhook.address }
        #expect(asked.unverified == nil && asked.subscriptions[0].state == "active")
    }

    @Test func keysAreRotatedWithAnOverlap() async throws {
        let desk = try TestDesk()
        let made = try await desk.subscribe(hook, channel: .webhook)
        let (rotated, overlapEnds) = try await desk.subscriptions.rotateSecret(of: made.number, overlap: .seconds(3600))
        #expect(rotated.newSecret != nil && rotated.newSecret != made.newSecret)
        #expect(rotated.webhook?.version == 2 && overlapEnds == TestDesk.now + .seconds(3600))
        #expect(rotated.webhook?.previousUntil == overlapEnds)
        let mail = try await desk.subscribe("a@x.example")
        await expect(.unknown, "there is no webhook's subscription \(mail.number)") {
            _ = try await desk.subscriptions.rotateSecret(of: mail.number, overlap: .zero)
        }
    }

    @Test func anEndedSubscriptionIsUnknown() async throws {
        let desk = try TestDesk()
        let number = try await desk.subscribe("a@x.example").number
        try await desk.subscriptions.remove(number)
        await expect(.unknown, "there is no active subscription \(number)", "subscriptions list") {
            try await desk.subscriptions.remove(number)
        }
    }

    // MARK: - Files

    private func table(_ text: String) throws -> [(line: Int, wish: SubscriptionWish)] {
        let table = try CSVTable(Array(text.utf8), file: "f.csv", columns: SubscriptionReader.columns)
        let reader = try TestDesk.reader()
        return try table.read { row in try reader.wishes(row).map { (line: row.line, wish: $0) } }.flatMap(\.self)
    }

    private func load(_ text: String, into desk: TestDesk) async throws -> (ImportSummary, [StoredSubscription]) {
        var stored: [StoredSubscription] = []
        var wanted = try table(text)
        let summary = try await desk.subscriptions.import(
            zones: try TestDesk.registries().timeZones,
            next: { count in
                defer { wanted.removeFirst(min(count, wanted.count)) }
                return Array(wanted.prefix(count))
            }, each: { rows, _ in stored += rows })
        return (summary, stored)
    }

    private let file = """
        channel,address,region,field,frequency,signatures
        email,a@x.example,73|74,*,daily,
        webhook,https://a.example/hook,73,desa,,v1

        """

    @Test func anImportIsCounted() async throws {
        let desk = try TestDesk()
        let (first, stored) = try await load(file, into: desk)
        #expect((first.made, first.changed, first.unchanged, first.refused.count) == (3, 0, 0, 0))
        #expect(stored.map { $0.newSecret != nil } == [false, false, true])
        let (again, _) = try await load(file, into: desk)
        #expect((again.made, again.changed, again.unchanged, again.refused.count) == (0, 0, 3, 0))
        let (other, _) = try await load(file.replacing("daily", with: "weekly"), into: desk)
        #expect((other.made, other.changed, other.unchanged) == (0, 0, 1) && other.refused.map(\.line) == [2, 2])
        let (signed, _) = try await load(file.replacing("v1\n", with: "v1a\n"), into: desk)
        #expect(signed.refused.map(\.line) == [3] && signed.refused[0].reason.contains("signed by v1"))
    }

    @Test func anExportIsImportedAsItWas() async throws {
        let (desk, other) = (try TestDesk(), try TestDesk())
        _ = try await load(file, into: desk)
        _ = try await add(
            desk, TypedSubscription(channel: "webhook", address: "https://b.example/", regions: ["73"]),
            isVerified: false)
        var lines = [SubscriptionCSV.header]
        let unconfirmed = try await desk.subscriptions.export { lines.append(SubscriptionCSV.line($0)) }
        #expect(unconfirmed == 1 && lines.count == 4)
        let (summary, _) = try await load(lines.joined(separator: "\n"), into: other)
        #expect(summary.made == 3)
        var again = [SubscriptionCSV.header]
        _ = try await other.subscriptions.export { again.append(SubscriptionCSV.line($0)) }
        #expect(again == lines)
    }
}

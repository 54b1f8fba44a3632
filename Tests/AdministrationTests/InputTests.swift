import AMQP
import Administration
import Bulletins
import Storage
import Testing

/// Typed text, and the words of its faults.
struct InputTests {
    // MARK: - CSV

    private let columns = PublisherReader.columns

    private func publishers(_ text: String) throws -> [Publisher] {
        let reader = PublisherReader(CodeReader(try TestDesk.registries()))
        return try CSVTable(Array(text.utf8), file: "f.csv", columns: columns).read { try reader.read($0) }
    }

    @Test func aRowIsAPublisher() throws {
        let found = try publishers(
            """
            publisher;name;region;kinds;emergency
            uji ;"Uji; dua";73|74;announcement|proposal;yes

            """)
        #expect(found.map(\.slug) == ["uji"] && found[0].name == "Uji; dua" && found[0].amqpUser == "uji")
        #expect(found[0].scope.regions.map(\.code) == ["73", "74"] && found[0].scope.fields == [.any])
        #expect(found[0].scope.mayPublishEmergencies && !found[0].isModerated)
    }

    @Test(arguments: [
        ("", "f.csv is empty"), ("publisher,name,region\nuji,U,73\n", "f.csv has no column kinds"),
        ("publisher,name,region,kinds,warna\n", "f.csv: warna is no column; the columns are publisher"),
        ("publisher,name,region,kinds,kinds\n", "f.csv names a column twice"),
    ])
    func aHeaderThatIsWrongIsNamed(_ text: String, _ words: String) async {
        await expect(.invalid, words) { _ = try publishers(text) }
    }

    @Test func everyBadRowIsTold() async throws {
        let text = """
            publisher,name,region,kinds
            uji,Uji,97,announcement
            baik,Baik,73,announcement
            ,U,73,announcement
            uji,U,73,
            uji,U,73|,announcement
            uji,U\u{200B},73,announcement
            uji,U,73
            UJI,U,73,announcement
            uji,U,73,kabar

            """
        do {
            _ = try publishers(text)
            Issue.record("nothing was thrown")
        } catch let error as OperationError {
            #expect(error.description == "of 9 rows 8 are refused; nothing is imported")
            #expect(error.faults.map(\.line) == [2, 4, 5, 6, 7, 8, 9, 10])
            #expect(
                error.faults.map(\.reason) == [
                    "97 is not among the regions; look it up with: kentongan regions search", "publisher is empty",
                    "kinds is empty", "region is \"73|\", with nothing on one side of a |",
                    "name holds the character U+200B (ZERO WIDTH SPACE), which nobody sees",
                    "it has 3 cells where the header has 4", "UJI is no slug of 2-64 of a-z0-9.-",
                    "kabar is no kind; it is one of announcement, proposal",
                ])
        }
    }

    @Test func utf16IsNamed() async {
        await expect(.invalid, "f.csv is UTF-16; save it as UTF-8") {
            _ = try CSVTable([0xFF, 0xFE, 0x61, 0], file: "f.csv", columns: columns)
        }
    }

    // MARK: - Subscriptions

    private func read(_ channel: String, _ address: String, _ edit: (inout TypedSubscription) -> Void = { _ in })
        throws -> SubscriptionOrder
    {
        var typed = TypedSubscription(channel: channel, address: address, regions: ["73"])
        edit(&typed)
        return try TestDesk.reader().read(typed)
    }

    @Test func addressesTakeTheirOneSpelling() throws {
        #expect(try read("email", " Siti@X.Example ").subscriptions[0].endpoint.address == "Siti@x.example")
        let hook = try read("webhook", "HTTPS://A.Example:443/x")
        #expect(hook.subscriptions[0].endpoint.address == "https://a.example/x" && hook.terms.signatures == nil)
        let feed = try read("feed", "") { $0.regions = ["73", "74"] }
        #expect(Set(feed.subscriptions.map(\.endpoint.address)).count == 1, "one name for all regions")
        #expect(feed.subscriptions[0].endpoint.address.hasPrefix("feed-"))
    }

    @Test func ownersAreAddressesOrSlugs() throws {
        #expect(try read("email", "a@x.example") { $0.owner = " B@X.example" }.subscriber.owner == "B@x.example")
        #expect(try read("email", "a@x.example") { $0.owner = "dinkes.73" }.subscriber.owner == "dinkes.73")
        #expect(try read("email", "a@x.example") { $0.home = "73.71" }.subscriber.home == Region("73.71"))
    }

    @Test func whatIsWrongIsSaid() async {
        let cases: [(String, String, (inout TypedSubscription) -> Void, String)] = [
            ("surat", "a@x.example", { _ in }, "surat is no channel; it is one of email"),
            ("email", "bukan", { _ in }, "bukan is no email address"),
            ("webhook", "ftp://a.example", { _ in }, "ftp"),
            ("webhook", "http://127.0.0.1/", { _ in }, "webhooks.allow opens networks"),
            ("feed", "a b", { _ in }, "a b is no name for a feed"), ("websub", "x", { _ in }, "at /websub"),
            ("email", "a@x.example", { $0.regions = ["97"] }, "97 is not among the regions"),
            ("email", "a@x.example", { $0.fields = ["ruwet"] }, "ruwet is not among the fields"),
            ("feed", "f", { $0.frequency = "daily" }, "digests go by email only; a feed is immediate"),
            ("email", "a@x.example", { $0.language = "jv" }, "jv is no language; it is one of id, en"),
            ("email", "a@x.example", { $0.payload = "thin" }, "payload thin: only webhooks have it"),
            ("email", "a@x.example", { $0.signatures = ["v1", "v1a"] }, "signatures v1|v1a: only webhooks have them"),
            ("webhook", "https://a.example", { $0.signatures = ["v9"] }, "v9: a signature is v1 or v1a"),
            (
                "email", "a@x.example", { $0.owner = "Dinas Kesehatan" },
                "neither an email address nor a publisher's slug"
            ),
            ("email", "a@x.example", { $0.reach = "jauh" }, "jauh is no reach; it is one of upward, downward, both"),
        ]
        for (channel, address, edit, words) in cases {
            await expect(.invalid, words) { _ = try read(channel, address, edit) }
        }
    }

    // MARK: - Texts and bulletins

    @Test func aLineIsTrimmedAndJudged() async throws {
        #expect(try TypedText.line(" Dinas Kesehatan\u{A0}", "--name", limit: 200) == "Dinas Kesehatan")
        await expect(.invalid, "--name is longer than 3 characters") {
            _ = try TypedText.line("abcd", "--name", limit: 3)
        }
        await expect(.invalid, "--amqp-user begins or ends with a space") {
            _ = try TypedText.name("uji ", "--amqp-user")
        }
        await expect(.invalid, "U+200B") { _ = try TypedText.email("a\u{200B}@x.example") }
    }

    @Test func aFileIsOneBulletinOrOneOnEachLine() async throws {
        func lines(_ text: String) throws -> [Int] {
            try PublishedBulletin.all(in: Array(text.utf8), file: "f").map(\.line)
        }
        #expect(try lines("{\n\"id\": \"a\"\n}") == [1])
        #expect(try lines("{\"id\":\"a\"}\n\n{\"id\":\"b\"}\n") == [1, 3])
        #expect(try lines("{\n\"title\": \"cut") == [1], "a broken object over many lines stays one")
        await expect(.invalid, "f holds no bulletin") { _ = try lines(" \n\n") }
    }

    @Test func aMessageGoesByItsKindAndUrgency() {
        func key(_ extra: JSONObject) -> String {
            PublishedBulletin(line: 1, bytes: TestDesk.payload("b", extra)).message(user: "u", replyTo: nil).routingKey
        }
        #expect(key([:]) == "announcement.uji" && key(["kind": "proposal"]) == "proposal.uji")
        #expect(key(["urgency": "emergency"]) == "emergency.uji")
        let event = PublishedBulletin(line: 1, bytes: Array("{\"specversion\":\"1.0\"}".utf8))
        #expect(event.message(user: nil, replyTo: nil).properties.contentType == "application/cloudevents+json")
    }
}

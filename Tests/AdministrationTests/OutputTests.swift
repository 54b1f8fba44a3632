import AMQP
import Administration
import Bulletins
import Intake
import Storage
import Testing

/// The one JSON of each thing. Programs rely on every member here: one may be added, and none renamed or dropped.
struct OutputTests {
    private let time = Timestamp(milliseconds: 1_800_000_000_000)

    private func text(_ object: JSONObject) -> String { JSONWriter.text(.object(object)) }

    private func stored(_ state: BulletinState = .published) -> StoredBulletin {
        StoredBulletin(
            number: 7, id: id("b"), revision: 2, kind: .proposal, state: state, receivedAt: time,
            firstReceivedAt: time, payload: Array("{\"id\":\"b\"}".utf8))
    }

    private func bulletin() throws -> BulletinRow {
        let proposal = TestDesk.payload("b", ["proposal": ["state": "verified", "stage": "district"]])
        return BulletinRow(
            stored: stored(), title: "T", urgency: .routine, regions: ["73"], fields: ["desa"], issuedAt: nil,
            publishAt: nil, expiresAt: time,
            deliveries: ["webhook": ["failed": 1], "email": ["pending": 2, "failed": 3]],
            proposal: try Bulletin(payload: proposal).proposal)
    }

    @Test func aBulletin() throws {
        #expect(
            text(try bulletin().json) == """
                {"id":"uji/b","publisher":"uji","bulletinId":"b","revision":2,"kind":"proposal","title":"T",\
                "urgency":"routine","state":"published","regions":["73"],"fields":["desa"],\
                "receivedAt":"2027-01-15T08:00:00Z","issuedAt":null,"publishAt":null,\
                "expiresAt":"2027-01-15T08:00:00Z","deliveries":{"failed":4,"pending":2},\
                "proposalState":"verified","proposalStage":"district"}
                """)
    }

    @Test func aDeliveryWithItsAttempts() async throws {
        let desk = try TestDesk()
        _ = try await desk.subscribe("a@x.example", "73.71")
        try await desk.record("b")
        try await desk.deliver(.failed)
        #expect(
            text(try await desk.deliveries.show(1).json) == """
                {"id":1,"bulletin":"uji/b","revision":1,"channel":"email","endpoint":"a@x.example","state":"failed",\
                "attempts":1,"dueAt":null,"finishedAt":"2027-01-15T08:00:00Z","digestAt":null,"code":"550",\
                "detail":"no","subscription":1,"region":"73.71","field":"*",\
                "attemptsMade":[{"number":1,"startedAt":"2027-01-15T08:00:00Z","durationMs":5,"outcome":"failed",\
                "code":"550","detail":"no"}],"bounces":[]}
                """)
        let view = try #require(try await desk.bulletins.show(id("b")).first).json
        #expect(view["relation"] == "revision" && view["byChannel"] == ["email": ["failed": 1]])
        #expect(view["bulletin"]?["title"] == "Vaksinasi")
        let bounce = BounceRow(bounce: Bounce(kind: .failed, status: "5.1.1", detail: nil), receivedAt: time)
        #expect(
            text(bounce.json)
                == "{\"receivedAt\":\"2027-01-15T08:00:00Z\",\"kind\":\"failed\",\"status\":\"5.1.1\",\"detail\":null}")
        #expect(
            text(DeliveryCount(channel: "email", state: "failed", count: 2).json)
                == "{\"channel\":\"email\",\"state\":\"failed\",\"count\":2}")
    }

    private func subscription(_ channel: Channel, _ webhook: WebhookKeys? = nil, secret: String?) throws
        -> StoredSubscription
    {
        let subscription = Subscription(
            endpoint: Endpoint(channel: channel, address: "x"), region: try #require(Region("73")))
        return StoredSubscription(
            number: 3, subscription: subscription, state: "active", newSecret: secret,
            subscriber: Subscriber(owner: "uji"), verifiedAt: time, webhook: webhook)
    }

    private func subscriptionText(_ channel: String) -> String {
        """
        {"id":3,"channel":"\(channel)","address":"x","region":"73","field":"*","kinds":["announcement","proposal"],\
        "reach":"both","urgency":"routine","frequency":"immediate","home":null,"owner":"uji",\
        "verifiedAt":"2027-01-15T08:00:00Z","fetchedAt":null,"language":"id","state":"active"
        """
    }

    @Test func aSubscription() throws {
        func json(_ stored: StoredSubscription) -> String { text(stored.json(publicURL: "https://k.example")) }
        #expect(json(try subscription(.email, secret: nil)) == subscriptionText("email") + "}")
        #expect(json(try subscription(.feed, secret: nil)) == subscriptionText("feed") + "}")
        #expect(
            json(try subscription(.feed, secret: "t"))
                == subscriptionText("feed") + ",\"feed\":\"https://k.example/feeds/s/t.rss\"}")
        let keys = WebhookKeys(schemes: [.hmac, .ed25519], version: 2, publicKey: "whpk_k", previousUntil: nil)
        let facts =
            ",\"payload\":\"full\",\"signatures\":[\"v1\",\"v1a\"],\"secretVersion\":2,\"publicKey\":\"whpk_k\","
            + "\"previousSecretUntil\":null"
        #expect(json(try subscription(.webhook, keys, secret: nil)) == subscriptionText("webhook") + facts + "}")
        #expect(
            json(try subscription(.webhook, keys, secret: "whsec_s"))
                == subscriptionText("webhook") + facts + ",\"secret\":\"whsec_s\"}")
    }

    @Test func aPublisher() throws {
        let publisher = Publisher(
            slug: "uji", name: "Uji", amqpUser: "u",
            scope: Publisher.Scope(kinds: [.proposal], regions: [try #require(Region("73"))]))
        #expect(
            text(publisher.json) == """
                {"slug":"uji","name":"Uji","amqpUser":"u","kinds":["proposal"],"regions":["73"],"fields":["*"],\
                "emergency":false,"moderated":false}
                """)
    }

    @Test func aRefusedMessage() throws {
        var envelope = StoredEnvelope(routingKey: "announcement.uji", userID: "uji", headers: ["a": "b"])
        envelope.otherHeaders = ["n": 1]
        func message(_ body: [UInt8]) -> RejectedMessage {
            RejectedMessage(
                number: 4, reason: "schema", publisher: "uji", bulletinID: nil, receivedAt: time, queue: "q", size: 1,
                errors: "[{\"path\":\"/title\",\"code\":\"schema\",\"message\":\"m\"}]", body: body,
                envelope: envelope, requeuedAt: nil)
        }
        let facts = """
            {"id":4,"reason":"schema","publisher":"uji","bulletinId":null,"receivedAt":"2027-01-15T08:00:00Z",\
            "queue":"q","size":1,"requeuedAt":null,"errors":[{"path":"/title","code":"schema","message":"m"}],\
            "routingKey":"announcement.uji","userId":"uji","contentType":null,"contentEncoding":null,\
            "headers":{"n":1,"a":"b"},"replyTo":null,"correlationId":null
            """
        #expect(text(message([0x78]).json) == facts + "}")
        #expect(text(message([0x78]).jsonWithBody) == facts + ",\"body\":\"x\"}")
        #expect(text(message([0xFF]).jsonWithBody) == facts + ",\"bodyBase64\":\"/w==\"}")
    }

    @Test func aHubSubscription() {
        let row = HubSubscriptionRow(
            number: 5, callback: "https://a.example/", topic: "/feeds/73.rss", state: "active", isSigned: true,
            createdAt: time, expiresAt: time, endedAt: nil, why: nil, attempts: 1, dueAt: nil, pushedAt: time,
            failingSince: nil, code: "204", detail: nil)
        #expect(
            text(row.json) == """
                {"id":5,"callback":"https://a.example/","topic":"/feeds/73.rss","state":"active","signed":true,\
                "createdAt":"2027-01-15T08:00:00Z","expiresAt":"2027-01-15T08:00:00Z","endedAt":null,"why":null,\
                "attempts":1,"dueAt":null,"pushedAt":"2027-01-15T08:00:00Z","failingSince":null,"code":"204",\
                "detail":null}
                """)
    }

    @Test func addressesAndMoves() throws {
        #expect(
            text(Suppression(address: "a", why: "w", since: time, until: nil).json)
                == "{\"address\":\"a\",\"why\":\"w\",\"since\":\"2027-01-15T08:00:00Z\",\"until\":null}")
        let (from, to) = (try #require(Region("73.72")), try #require(Region("73.71")))
        #expect(
            text(MovedSubscription(number: 1, address: "a", from: from, to: [to]).json)
                == "{\"id\":1,\"address\":\"a\",\"from\":\"73.72\",\"to\":[\"73.71\"]}")
        let spelling = AddressDouble.Spelling(endpoint: 2, address: "a", subscriptions: 3)
        #expect(
            text(AddressDouble(channel: .email, spellings: [spelling]).json(isMerged: true)) == """
                {"channel":"email","merged":true,"spellings":[{"address":"a","endpoint":2,"subscriptions":3}]}
                """)
    }

    @Test func registries() throws {
        let regions = RegionOperations(.reader, registries: try TestDesk.registries())
        #expect(
            text(try #require(regions.search("73.72", limit: 1).first).json) == """
                {"code":"73.72","name":"Kota Parepare","level":2,"path":"Kota Parepare, Sulawesi Selatan"}
                """)
        #expect(
            text(try #require(regions.fields(limit: 1).first).json)
                == "{\"code\":\"kesehatan\",\"nameId\":\"Kesehatan\",\"nameEn\":\"Health\",\"parent\":null}")
    }

    @Test func coverage() async throws {
        let desk = try TestDesk()
        try await desk.record("b")
        let tree = try TestDesk.registries().regions
        let region = try #require(try await desk.bulletins.coverage(of: id("b"), in: tree).first)
        #expect(
            text(region.json) == """
                {"region":"73.71","name":"Kota Makassar, Sulawesi Selatan","state":"nobody-subscribed","endpoints":0,\
                "delivered":0}
                """)
        let level = try #require(try await desk.bulletins.levelCoverage(of: id("b"), in: tree).first)
        #expect(text(level.json) == "{\"level\":\"regency\",\"regions\":2,\"subscribed\":0,\"reached\":0,\"none\":2}")
    }

    @Test func theTopology() throws {
        let exported = KentonganTopology.topology.definitions(vhost: "/v")
        let queue = try #require(exported["queues"]?.arrayValue?.first { $0["name"] == "kentongan.emergency" })
        #expect(queue["vhost"] == "/v" && queue["durable"] == true && queue["arguments"]?["x-queue-type"] == "quorum")
        let binding = try #require(exported["bindings"]?.arrayValue?.first)
        #expect(binding["destination_type"] == "queue" && binding["source"]?.stringValue?.isEmpty == false)
        #expect(exported.members.map(\.key) == ["vhosts", "exchanges", "queues", "bindings"])
    }
}

import Bulletins
import Testing

struct ValidationTests {
    private func validate(_ value: JSONValue, sender: Sender = .trusted, at now: Timestamp = Fixtures.sampleTime) throws
        -> Result<AcceptedBulletin, Refusal>
    {
        let publisher = try Fixtures.samplePublishers()[value["publisher"]?.stringValue ?? ""]
        return BulletinValidator(registries: try Fixtures.registries.get())
            .validate(value, publisher: publisher, sender: sender, now: now)
    }

    private func errors(_ value: JSONValue, sender: Sender = .trusted) throws -> [BulletinError] {
        if case .failure(let refusal) = try validate(value, sender: sender) { refusal.errors } else { [] }
    }

    private static let samples = [
        "01-menteri-libur-nasional-2026", "02-menteri-bulan-penimbangan", "03-provinsi-buka-tutup-jalan",
        "04-kabupaten-pasar-murah", "05-kota-gangguan-air", "06-desa-musyawarah", "07-bmkg-peringatan-hujan-lebat",
        "08-provinsi-ralat-jam-buka", "09-kota-penarikan", "10-kim-usulan-sekolah-siaga", "11-usulan-diteruskan",
        "12-kominfo-platform-kim-makassar", "13-bpbd-siaga-lahar", "14-kode-lama-sorong",
    ]

    @Test(arguments: samples)
    func samplesAreAccepted(name: String) throws {
        let value = try JSONParser.parse(Fixtures.bytes("Tests/Fixtures/samples/\(name).json"))
        let early = try #require(Timestamp("2026-11-23T08:00:00+08:00"))
        let accepted = try validate(value, at: early).get()
        #expect(!accepted.bulletin.regions.isEmpty && !accepted.bulletin.fields.isEmpty)
        #expect(accepted.digest.count == 32)
    }

    @Test func invalidSamplesAreRefusedAsExpected() throws {
        let cases = try #require(
            JSONParser.parse(Fixtures.bytes("Tests/Fixtures/samples/invalid/expected.json")).arrayValue)
        #expect(cases.count == 6)
        for expected in cases {
            let file = try #require(expected["file"]?.stringValue)
            let body = try Fixtures.bytes("Tests/Fixtures/samples/invalid/\(file)")
            let envelope = MessageEnvelope(contentType: nil, contentEncoding: nil, headers: [:])
            let refusal: Refusal?
            switch envelope.open(body) {
            case .failure(let malformed): refusal = malformed
            case .success(let value): refusal = Refusal(try errors(value))
            }
            #expect(refusal?.reason.rawValue == expected["reason"]?.stringValue, "\(file)")
            #expect(refusal?.errors.first?.path == expected["path"]?.stringValue, "\(file)")
        }
    }

    @Test func theGoodCorpusKeepsItsShape() throws {
        for line in try Fixtures.lines("Tests/Fixtures/bulletins/good.jsonl") {
            let found = try errors(try #require(line["bulletin"])).filter { $0.code == .schema }
            #expect(found.isEmpty, "\(line["shows"]?.stringValue ?? "")")
        }
    }

    @Test func theBadCorpusIsRefusedAtTheMemberThatIsWrong() throws {
        let lines = try Fixtures.lines("Tests/Fixtures/bulletins/bad.jsonl")
        #expect(lines.count > 80)
        for line in lines {
            let value = try #require(line["bulletin"])
            let paths = try errors(value).filter { $0.code == .schema }.map(\.path)
            #expect(paths.contains(line["path"]?.stringValue ?? "?"), "\(JSONWriter.text(value).prefix(300))")
        }
    }

    @Test func aRetiredCodeWithOneSuccessorIsTakenForIt() throws {
        let value = try JSONParser.parse(Fixtures.bytes("Tests/Fixtures/samples/14-kode-lama-sorong.json"))
        let accepted = try validate(value).get()
        #expect(accepted.bulletin.regions.map(\.code) == ["96.71"])
        #expect(accepted.notes.count == 1)
    }

    @Test func theBrokersUserMustBeThePublishers() throws {
        let value = try JSONParser.parse(Fixtures.bytes("Tests/Fixtures/samples/06-desa-musyawarah.json"))
        #expect(try errors(value, sender: .broker(user: "desa.35.07.26.2003")).isEmpty)
        for sender in [Sender.broker(user: "kemenkes"), .broker(user: nil)] {
            #expect(try errors(value, sender: sender).map(\.code) == [.publisherMismatch])
        }
    }

    @Test func allErrorsComeAtOnceInTheirOrder() throws {
        let value = try JSONParser.parse(
            Array(
                #"{"id":"a","kind":"announcement","publisher":"nobody","title":"","body":"x","regions":["97","73"],"fields":["x"]}"#
                    .utf8))
        #expect(try errors(value).map(\.path) == ["/title", "/publisher", "/regions/0", "/fields/0"])
        #expect(try errors(value).map(\.code) == [.schema, .unknownPublisher, .unknownRegion, .unknownField])
    }

    @Test func theSameContentHasTheSameDigestWhateverItsOrder() throws {
        let one = try JSONParser.parse(Fixtures.bytes("Tests/Fixtures/samples/06-desa-musyawarah.json"))
        guard case .object(let object) = one else { throw BulletinError("", .schema, "no object") }
        var reversed = JSONObject()
        for (key, value) in object.members.reversed() { reversed[key] = value }
        var other = object
        other["title"] = "Lain"
        let digest = try validate(one).get().digest
        #expect(try validate(.object(reversed)).get().digest == digest)
        #expect(try validate(.object(other)).get().digest != digest)
    }

    @Test func cloudEventsAreOpened() throws {
        let data = #"{"title":"T"}"#
        let structured = MessageEnvelope(
            contentType: "application/cloudevents+json; charset=utf-8", contentEncoding: nil, headers: [:])
        let event =
            #"{"specversion":"1.0","id":"e-1","source":"/unit/uji","type":"id.kentongan.announcement.v1","data":\#(data)}"#
        let opened = try structured.open(Array(event.utf8)).get()
        #expect(opened["id"] == "e-1" && opened["publisher"] == "uji" && opened["kind"] == "announcement")
        for prefix in ["cloudEvents:", "cloudEvents_", "ce-"] {
            let headers = ["specversion": "1.0", "id": "e-1", "source": "uji", "type": "id.kentongan.proposal.v1"]
            let binary = MessageEnvelope(
                contentType: "application/json", contentEncoding: nil,
                headers: Dictionary(uniqueKeysWithValues: headers.map { (prefix + $0.key, $0.value) }))
            #expect(try binary.open(Array(data.utf8)).get()["kind"] == "proposal")
        }
        let zipped = MessageEnvelope(contentType: nil, contentEncoding: "gzip", headers: [:])
        #expect(throws: Refusal.self) { try zipped.open(Array(data.utf8)).get() }
    }

    private func errors(changing members: [String: JSONValue]) throws -> [String] {
        guard
            case .object(var object) = try JSONParser.parse(
                Fixtures.bytes("Tests/Fixtures/samples/06-desa-musyawarah.json"))
        else { return [] }
        for (name, value) in members { object[name] = value }
        return try errors(.object(object)).map { "\($0.path) \($0.code.rawValue)" }
    }

    @Test(arguments: [
        "\u{A0}", " ", "\u{200B}", "a\u{2028}b", "a\u{202E}b", "a\u{2066}b", "a\u{FFFE}", "a\u{FFFD}b", "\u{FEFF}a",
        "a\u{10FFFF}", "a\u{85}b", "a\rb", "a\u{E0041}", "\u{3164}", "\u{200D}\u{FE0F}",
    ])
    func aLineThatPeopleCannotSeeIsRefused(line: String) throws {
        #expect(try errors(changing: ["title": .string(line)]) == ["/title schema"])
        #expect(try errors(changing: ["legalBasis": [.string(line)]]) == ["/legalBasis/0 schema"])
        #expect(try errors(changing: ["contact": ["name": .string(line)]]) == ["/contact/name schema"])
        let address = JSONValue.string("a\(line)@b.example")
        #expect(try errors(changing: ["contact": ["email": address]]) == ["/contact/email schema"])
        #expect(try errors(changing: ["link": .string("https://a\(line).example")]) == ["/link schema"])
    }

    @Test func theHiddenCharacterIsNamed() {
        #expect(Grammar.fault(ofLine: "a\u{202E}b", mayBeBlank: false)?.contains("U+202E") == true)
        #expect(Grammar.fault(ofLine: "👨‍👩‍👧 Keluarga", mayBeBlank: false) == nil)
    }

    @Test func timesThatContradictEachOtherAreRefused() throws {
        let (early, late): (JSONValue, JSONValue) = ("2026-12-20T00:00:00+07:00", "2026-12-30T00:00:00+07:00")
        #expect(try errors(changing: ["publishAt": late, "expiresAt": early]) == ["/publishAt expired"])
        #expect(try errors(changing: ["publishAt": late, "expiresAt": late]) == ["/publishAt expired"])
        #expect(try errors(changing: ["effectiveAt": late, "expiresAt": early]) == ["/effectiveAt expired"])
        #expect(try errors(changing: ["publishAt": early, "expiresAt": late]).isEmpty)
        #expect(
            try errors(changing: ["event": ["startsAt": late, "endsAt": early]]) == ["/event/endsAt schema"])
        #expect(
            try errors(changing: ["event": ["startsOn": "2026-12-12", "endsOn": "2026-12-11"]])
                == ["/event/endsOn schema"])
        #expect(try errors(changing: ["event": ["startsOn": "2026-12-12", "endsOn": "2026-12-12"]]).isEmpty)
    }

    @Test(arguments: [".", ".."])
    func anIDThatNoPathHoldsIsRefused(id: String) throws {
        #expect(try errors(changing: ["id": .string(id)]) == ["/id schema"])
    }

    @Test func aBodyThatStallsOrShowsNothingIsRefused() throws {
        let deep = String(repeating: "+ ", count: 32_700) + "a"
        for body in [deep, "<p></p>", " \n"] {
            #expect(try errors(changing: ["body": .string(body)]) == ["/body schema"])
        }
        #expect(try errors(changing: ["body": "<p>Air naik.</p>"]).isEmpty)
    }

    @Test func anUnknownVillageIsNamedWithTheRegionAbove() throws {
        let value = try JSONParser.parse(Fixtures.bytes("Tests/Fixtures/samples/13-bpbd-siaga-lahar.json"))
        guard case .object(var object) = value else { throw BulletinError("", .schema, "no object") }
        object["regions"] = ["35.08.01.2999"]
        let early = try #require(Timestamp("2026-11-23T08:00:00+08:00"))
        let accepted = try validate(.object(object), at: early).get()
        #expect(accepted.bulletin.regions.map(\.code) == ["35.08.01"])
        #expect(accepted.notes.contains { $0.contains("35.08.01.2999") && $0.contains("35.08.01 (") })
        object["urgency"] = "routine"
        guard case .failure(let refusal) = try validate(.object(object), at: early) else {
            throw BulletinError("", .schema, "it was taken")
        }
        #expect(refusal.errors.map(\.code) == [.unknownRegion])
        #expect(refusal.errors.first?.message.contains("35.08.01 (") == true)
        object["regions"] = ["35.99.01.2999"]
        object["urgency"] = "emergency"
        guard case .failure(let unknown) = try validate(.object(object), at: early) else {
            throw BulletinError("", .schema, "it was taken")
        }
        #expect(unknown.errors.first?.code == .unknownRegion)
    }

    /// By a publisher of the whole country, the regions and the notes of an emergency for one code; nil if it is refused.
    private func emergency(for code: String) throws -> (regions: [String], notes: [String])? {
        let value = try JSONParser.parse(Fixtures.bytes("Tests/Fixtures/samples/13-bpbd-siaga-lahar.json"))
        guard case .object(var object) = value else { throw BulletinError("", .schema, "no object") }
        object["regions"] = [.string(code)]
        let publisher = Publisher(
            slug: "bpbd.35.08", name: "BNPB", amqpUser: "bnpb", kinds: [.announcement], regions: [.country],
            mayPublishEmergencies: true)
        let early = try #require(Timestamp("2026-11-23T08:00:00+08:00"))
        let result = BulletinValidator(registries: try Fixtures.registries.get()).validate(
            .object(object), publisher: publisher, sender: .trusted, now: early)
        guard case .success(let accepted) = result else { return nil }
        return (accepted.bulletin.regions.map(\.code), accepted.notes)
    }

    /// An emergency never fails for a code that was retired or mistyped: it goes to what took the code's place, or to the
    /// nearest region above that is known, and the receipt's notes name both.
    @Test(arguments: [
        ("91.01", ["93.01"]), ("91.01.05", ["93.01"]), ("91.01.05.2001", ["93.01"]), ("14.71.08.1011", ["14.71.08"]),
        ("35.08.99.2001", ["35.08"]), ("35.99.01.2001", ["35"]),
    ])
    func anEmergencyReachesTheNearestRegionThatIsKnown(code: String, regions: [String]) throws {
        let found = try #require(try emergency(for: code))
        #expect(found.regions == regions)
        #expect(found.notes.contains { $0.contains(code) && $0.contains(regions[0]) })
    }

    @Test func anEmergencyForNoKnownProvinceIsRefused() throws {
        #expect(try emergency(for: "97.01.01.2001") == nil)
        #expect(try emergency(for: "91.01")?.notes.first?.contains("retired") == true)
    }
}

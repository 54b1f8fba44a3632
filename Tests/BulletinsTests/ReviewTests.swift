import Bulletins
import Testing

/// The rules that the JSON Schema cannot express, and the resolving of regions.
struct ReviewTests {
    @Test(arguments: [
        "\u{A0}", " ", "\u{200B}", "a\u{2028}b", "a\u{202E}b", "a\u{2066}b", "a\u{FFFE}", "a\u{FFFD}b", "\u{FEFF}a",
        "a\u{10FFFF}", "a\u{85}b", "a\rb", "a\u{E0041}", "\u{3164}", "\u{200D}\u{FE0F}",
    ])
    func invisibleLinesAreRejected(line: String) throws {
        #expect(try Fixtures.errors(changing: ["title": .string(line)]) == ["/title schema"])
        #expect(try Fixtures.errors(changing: ["legalBasis": [.string(line)]]) == ["/legalBasis/0 schema"])
        #expect(try Fixtures.errors(changing: ["contact": ["name": .string(line)]]) == ["/contact/name schema"])
        let address = JSONValue.string("a\(line)@b.example")
        #expect(try Fixtures.errors(changing: ["contact": ["email": address]]) == ["/contact/email schema"])
        #expect(try Fixtures.errors(changing: ["link": .string("https://a\(line).example")]) == ["/link schema"])
    }

    @Test func theHiddenCharacterIsNamed() {
        #expect(Grammar.fault(ofLine: "a\u{202E}b", mayBeBlank: false)?.contains("U+202E") == true)
        #expect(Grammar.fault(ofLine: "👨‍👩‍👧 Keluarga", mayBeBlank: false) == nil)
    }

    @Test func contradictoryTimesAreRejected() throws {
        let (early, late): (JSONValue, JSONValue) = ("2026-12-20T00:00:00+07:00", "2026-12-30T00:00:00+07:00")
        #expect(try Fixtures.errors(changing: ["publishAt": late, "expiresAt": early]) == ["/publishAt expired"])
        #expect(try Fixtures.errors(changing: ["publishAt": late, "expiresAt": late]) == ["/publishAt expired"])
        #expect(try Fixtures.errors(changing: ["effectiveAt": late, "expiresAt": early]) == ["/effectiveAt expired"])
        #expect(try Fixtures.errors(changing: ["publishAt": early, "expiresAt": late]).isEmpty)
        #expect(
            try Fixtures.errors(changing: ["event": ["startsAt": late, "endsAt": early]]) == ["/event/endsAt schema"])
        #expect(
            try Fixtures.errors(changing: ["event": ["startsOn": "2026-12-12", "endsOn": "2026-12-11"]])
                == ["/event/endsOn schema"])
        #expect(try Fixtures.errors(changing: ["event": ["startsOn": "2026-12-12", "endsOn": "2026-12-12"]]).isEmpty)
    }

    @Test(arguments: [".", ".."])
    func dotSegmentsAreNotIDs(id: String) throws {
        #expect(try Fixtures.errors(changing: ["id": .string(id)]) == ["/id schema"])
    }

    @Test func pathologicalAndEmptyBodiesAreRejected() throws {
        let deep = String(repeating: "+ ", count: 32_700) + "a"
        for body in [deep, "<p></p>", " \n"] {
            #expect(try Fixtures.errors(changing: ["body": .string(body)]) == ["/body schema"])
        }
        #expect(try Fixtures.errors(changing: ["body": "<p>Air naik.</p>"]).isEmpty)
    }

    @Test func anUnknownVillageIsReportedWithTheRegionAbove() throws {
        let value = try JSONParser.parse(Fixtures.bytes("Tests/Fixtures/samples/13-bpbd-siaga-lahar.json"))
        guard case .object(var object) = value else { throw BulletinError("", .schema, "no object") }
        object["regions"] = ["35.08.01.2999"]
        let early = try #require(Timestamp("2026-11-23T08:00:00+08:00"))
        let accepted = try Fixtures.validate(.object(object), at: early).get()
        #expect(accepted.bulletin.regions.map(\.code) == ["35.08.01"])
        #expect(accepted.notes.contains { $0.contains("35.08.01.2999") && $0.contains("35.08.01 (") })
        object["urgency"] = "routine"
        guard case .failure(let rejection) = try Fixtures.validate(.object(object), at: early) else {
            throw BulletinError("", .schema, "it was accepted")
        }
        #expect(rejection.errors.map(\.code) == [.unknownRegion])
        #expect(rejection.errors.first?.message.contains("35.08.01 (") == true)
        object["regions"] = ["35.99.01.2999"]
        object["urgency"] = "emergency"
        guard case .failure(let unknown) = try Fixtures.validate(.object(object), at: early) else {
            throw BulletinError("", .schema, "it was accepted")
        }
        #expect(unknown.errors.first?.code == .unknownRegion)
    }

    /// The regions and notes of an emergency for one code by a publisher of the whole country; nil if it is rejected.
    private func emergency(for code: String) throws -> (regions: [String], notes: [String])? {
        let value = try JSONParser.parse(Fixtures.bytes("Tests/Fixtures/samples/13-bpbd-siaga-lahar.json"))
        guard case .object(var object) = value else { throw BulletinError("", .schema, "no object") }
        object["regions"] = [.string(code)]
        let publisher = Publisher(
            slug: "bpbd.35.08", name: "BNPB", amqpUser: "bnpb",
            scope: .init(kinds: [.announcement], regions: [.country], mayPublishEmergencies: true))
        let early = try #require(Timestamp("2026-11-23T08:00:00+08:00"))
        let result = BulletinValidator(registries: try Fixtures.registries.get()).validate(
            .object(object), publisher: publisher, sender: .trusted, now: early)
        guard case .success(let accepted) = result else { return nil }
        return (accepted.bulletin.regions.map(\.code), accepted.notes)
    }

    /// An emergency is never rejected for a retired or mistyped code. It goes to the successors of the code or to the
    /// nearest known region above it, and the notes of the receipt name both.
    @Test(arguments: [
        ("91.01", ["93.01"]), ("91.01.05", ["93.01"]), ("91.01.05.2001", ["93.01"]), ("14.71.08.1011", ["14.71.08"]),
        ("35.08.99.2001", ["35.08"]), ("35.99.01.2001", ["35"]),
    ])
    func anEmergencyReachesTheNearestKnownRegion(code: String, regions: [String]) throws {
        let found = try #require(try emergency(for: code))
        #expect(found.regions == regions)
        #expect(found.notes.contains { $0.contains(code) && $0.contains(regions[0]) })
    }

    @Test func anEmergencyForAnUnknownProvinceIsRejected() throws {
        #expect(try emergency(for: "97.01.01.2001") == nil)
        #expect(try emergency(for: "91.01")?.notes.first?.contains("retired") == true)
    }
}

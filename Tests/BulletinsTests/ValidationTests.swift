import Bulletins
import Testing

struct ValidationTests {
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
        let accepted = try Fixtures.validate(value, at: early).get()
        #expect(!accepted.bulletin.regions.isEmpty && !accepted.bulletin.fields.isEmpty)
        #expect(accepted.digest.count == 32)
    }

    @Test func invalidSamplesAreRejectedAsExpected() throws {
        let cases = try #require(
            JSONParser.parse(Fixtures.bytes("Tests/Fixtures/samples/invalid/expected.json")).arrayValue)
        #expect(cases.count == 6)
        for expected in cases {
            let file = try #require(expected["file"]?.stringValue)
            let body = try Fixtures.bytes("Tests/Fixtures/samples/invalid/\(file)")
            let envelope = MessageEnvelope(contentType: nil, contentEncoding: nil, headers: [:])
            let rejection: Rejection?
            switch envelope.open(body) {
            case .failure(let malformed): rejection = malformed
            case .success(let value): rejection = Rejection(try Fixtures.errors(value))
            }
            #expect(rejection?.reason.rawValue == expected["reason"]?.stringValue, "\(file)")
            #expect(rejection?.errors.first?.path == expected["path"]?.stringValue, "\(file)")
        }
    }

    @Test func theGoodCorpusHasNoSchemaErrors() throws {
        for line in try Fixtures.lines("Tests/Fixtures/bulletins/good.jsonl") {
            let found = try Fixtures.errors(try #require(line["bulletin"])).filter { $0.code == .schema }
            #expect(found.isEmpty, "\(line["shows"]?.stringValue ?? "")")
        }
    }

    @Test func theBadCorpusIsRejectedAtTheInvalidMember() throws {
        let lines = try Fixtures.lines("Tests/Fixtures/bulletins/bad.jsonl")
        #expect(lines.count > 80)
        for line in lines {
            let value = try #require(line["bulletin"])
            let paths = try Fixtures.errors(value).filter { $0.code == .schema }.map(\.path)
            #expect(paths.contains(line["path"]?.stringValue ?? "?"), "\(JSONWriter.text(value).prefix(300))")
        }
    }

    @Test func aRetiredCodeIsReplacedByItsOnlySuccessor() throws {
        let value = try JSONParser.parse(Fixtures.bytes("Tests/Fixtures/samples/14-kode-lama-sorong.json"))
        let accepted = try Fixtures.validate(value).get()
        #expect(accepted.bulletin.regions.map(\.code) == ["96.71"])
        #expect(accepted.notes.count == 1)
    }

    @Test func theBrokersUserMustBelongToThePublisher() throws {
        let value = try JSONParser.parse(Fixtures.bytes("Tests/Fixtures/samples/06-desa-musyawarah.json"))
        #expect(try Fixtures.errors(value, sender: .broker(user: "desa.35.07.26.2003")).isEmpty)
        for sender in [Sender.broker(user: "kemenkes"), .broker(user: nil)] {
            #expect(try Fixtures.errors(value, sender: sender).map(\.code) == [.publisherMismatch])
        }
    }

    @Test func allErrorsAreReportedInOrder() throws {
        let value = try JSONParser.parse(
            Array(
                #"{"id":"a","kind":"announcement","publisher":"nobody","title":"","body":"x","regions":["97","73"],"fields":["x"]}"#
                    .utf8))
        #expect(try Fixtures.errors(value).map(\.path) == ["/title", "/publisher", "/regions/0", "/fields/0"])
        #expect(try Fixtures.errors(value).map(\.code) == [.schema, .unknownPublisher, .unknownRegion, .unknownField])
    }

    @Test func theDigestIgnoresTheOrderOfMembers() throws {
        let one = try JSONParser.parse(Fixtures.bytes("Tests/Fixtures/samples/06-desa-musyawarah.json"))
        guard case .object(let object) = one else { throw BulletinError("", .schema, "no object") }
        var reversed = JSONObject()
        for (key, value) in object.members.reversed() { reversed[key] = value }
        var other = object
        other["title"] = "Lain"
        let digest = try Fixtures.validate(one).get().digest
        #expect(try Fixtures.validate(.object(reversed)).get().digest == digest)
        #expect(try Fixtures.validate(.object(other)).get().digest != digest)
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
        #expect(throws: Rejection.self) { try zipped.open(Array(data.utf8)).get() }
    }
}

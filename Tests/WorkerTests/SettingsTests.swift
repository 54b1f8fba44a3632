import Foundation
import SMTP
import Testing

@testable import Worker

/// Settings come from the environment and a file, with defaults, and each fault names its key.
struct SettingsTests {
    private func settings(_ environment: [String: String], yaml: String? = nil) async throws -> Settings {
        guard let yaml else { return try await Settings(file: nil, environment: environment) }
        let file = FileManager.default.temporaryDirectory.appending(path: "kentongan-\(UUID().uuidString).yaml")
        try yaml.write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        return try await Settings(file: file.path, environment: environment)
    }

    @Test func withoutAnythingTheDefaultsHold() async throws {
        let settings = try await settings([:])
        #expect(settings.broker.connection == nil && settings.email.relays.isEmpty)
        #expect(
            settings.store.path == "var/kentongan.db" && settings.http.listen == .init(host: "127.0.0.1", port: 8080))
        #expect(
            settings.http.publicURL == "http://127.0.0.1:8080" && settings.broker.requiresUser
                && settings.broker.prefetch == 1000)
    }

    /// The shipped file contains exactly the defaults.
    @Test func theShippedFileHoldsTheDefaults() async throws {
        let file = URL(filePath: #filePath).appending(path: "../../../config/kentongan.yaml").standardized.path
        let shipped = try await Settings(file: file, environment: [:])
        let defaults = try await settings([:])
        #expect("\(shipped)" == "\(defaults)")
    }

    @Test func theEnvironmentOverridesTheFile() async throws {
        let yaml = "http:\n  listen: 0.0.0.0:80\n  publicURL: https://kabar.example\nwebhooks:\n  allow: [10.0.0.0/8]\n"
        let settings = try await settings(["KENTONGAN_HTTP_LISTEN": "127.0.0.1:81"], yaml: yaml)
        #expect(settings.http.listen.port == 81 && settings.http.publicURL == "https://kabar.example")
        #expect(settings.webhooks.allowedNetworks.count == 1)
    }

    @Test func listsAreSeparatedByCommasInTheEnvironment() async throws {
        let settings = try await settings(["KENTONGAN_WEBHOOKS_ALLOW": "10.0.0.0/8, 127.0.0.1/32"])
        #expect(settings.webhooks.allowedNetworks.count == 2)
    }

    @Test func secretsMayLieInAFile() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "secret-\(UUID().uuidString)")
        let isMade = FileManager.default.createFile(
            atPath: file.path, contents: Data("rahasia\n".utf8), attributes: [.posixPermissions: 0o600])
        #expect(isMade)
        defer { try? FileManager.default.removeItem(at: file) }
        let settings = try await settings([
            "KENTONGAN_SMTP_URL": "smtp://u@relay.example", "KENTONGAN_SMTP_PASSWORD_FILE": file.path,
        ])
        #expect(settings.email.relays.first?.password == "rahasia")
        let several = try await Settings(
            file: nil,
            environment: [
                "KENTONGAN_SMTP_URL": "smtp://u:a,b@one.example,smtps://v@two.example", "KENTONGAN_SMTP_PASSWORD": "c",
            ])
        #expect(several.email.relays.map(\.password) == ["a,b", "c"])
        do {
            _ = try await Settings(file: nil, environment: ["KENTONGAN_SMTP_URL": "smtp://user:s3cret"])
            Issue.record("a URL without a host was taken")
        } catch {
            #expect(!"\(error)".contains("s3cret"))
        }
    }

    @Test(arguments: [
        ("store.url", "mysql://x"), ("amqp.url", "http://x"), ("amqp.prefetch", "0"), ("http.listen", "nanti"),
        ("webhooks.allow", "127.0.0.0/99"), ("publishers.auth", "kadang"), ("log.level", "keras"),
        ("delivery.lease", "lama"), ("http.publicURL", "bukan alamat"), ("http.publicURL", "https://a.example/k?b=c"),
        ("http.publicURL", "https://a.example/#k"),
    ])
    func aBadValueIsNamedByItsKey(key: String, value: String) async throws {
        let name =
            "KENTONGAN_" + key.replacing("publicURL", with: "PUBLIC_URL").replacing(".", with: "_").uppercased()
        await #expect {
            _ = try await settings([name: value])
        } throws: { error in
            "\(error)".contains(key)
        }
    }

    @Test func anUnknownKeyIsNamed() async throws {
        await #expect {
            _ = try await settings([:], yaml: "amqp:\n  ulr: x\n")
        } throws: { error in
            "\(error)".contains("amqp.ulr")
        }
    }
}

/// Faults name the variable or the line, and the name that was probably meant.
struct SettingPlaceTests {
    @Test func everyVariableSetsItsKey() {
        #expect(SettingKey.httpPublicURL.variable == "KENTONGAN_HTTP_PUBLIC_URL")
        #expect(SettingKey.webhooksRatePerHost.variable == "KENTONGAN_WEBHOOKS_RATE_PER_HOST")
        #expect(SettingKey.mailBouncesListen.variable == "KENTONGAN_MAIL_BOUNCES_LISTEN")
        #expect(SettingKey.mailDKIM.variable == "KENTONGAN_MAIL_DKIM")
    }

    /// Each variable is read by the name that faults and hints use.
    @Test(arguments: SettingKey.all.map(\.name)) func aVariableIsReadByItsName(name: String) async throws {
        let key = try #require(SettingKey.named(name))
        let reader = try await SettingsReader(file: nil, environment: [key.variable: "7"])
        #expect(reader.string(key) == "7" && reader.faults.isEmpty)
    }

    @Test func allFaultsAreTold() async throws {
        let environment = [
            "KENTONGAN_AMQP_PREFETCH": "0", "KENTONGAN_LOG_LEVEL": "keras", "KENTONGAN_LOG_LEVLE": "info",
        ]
        do {
            _ = try await Settings(file: nil, environment: environment)
            Issue.record("a bad configuration was taken")
        } catch {
            #expect(error.all.count == 3)
            #expect(error.all.contains { "\($0)".contains("did you mean KENTONGAN_LOG_LEVEL?") })
        }
    }

    @Test(arguments: [
        ("amqp.ulr", "amqp.url"), ("htpp", "http"), ("http.publicurl", "http.publicURL"), ("zzzz", nil), ("", nil),
    ])
    func theNearestNameIsNearEnough(text: String, name: String?) {
        #expect(NearestName.of(text, among: SettingKey.all.map(\.name) + SettingKey.sections) == name)
    }
}

// The signed API from Java 11 or newer, with nothing but its standard library.
//
//     BASE=http://127.0.0.1:8000 ACCESS_KEY=ak_test_… SECRET_KEY=… java Signed.java
//
// Makes every call once and prints each answer on a line. `bytesToHex` and `calculateHMAC` are the published sample.
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public class Signed {
    private static final HttpClient CLIENT =
        HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    // Convert bytes to hex string
    private static String bytesToHex(byte[] bytes) {
        StringBuilder hex = new StringBuilder();
        for (byte b : bytes) {
            hex.append(String.format("%02x", b));
        }
        return hex.toString();
    }

    // Calculate HMAC SHA256 signature
    private static String calculateHMAC(String timestamp, String secretKey, String path, String body, String method) {
        try {
            SecretKeySpec secretKeySpec = new SecretKeySpec(secretKey.getBytes(StandardCharsets.UTF_8), "HmacSHA256");
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(secretKeySpec);
            // Build the message
            mac.update(method.getBytes(StandardCharsets.UTF_8));
            mac.update("\n".getBytes(StandardCharsets.UTF_8));
            mac.update(path.getBytes(StandardCharsets.UTF_8));
            mac.update("\n".getBytes(StandardCharsets.UTF_8));
            mac.update(body.getBytes(StandardCharsets.UTF_8));
            mac.update("\n".getBytes(StandardCharsets.UTF_8));
            mac.update((timestamp + "\n").getBytes(StandardCharsets.UTF_8));
            return bytesToHex(mac.doFinal());
        } catch (Exception e) {
            throw new RuntimeException("Error while generating HMAC", e);
        }
    }

    // `body` is the text that is signed; `content` is what is sent.
    private static String call(String method, String path, String body, String content, String kind) throws Exception {
        String timestamp = String.valueOf(System.currentTimeMillis());
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(System.getenv("BASE") + "/" + path))
            .header("Access-Key", System.getenv("ACCESS_KEY"))
            .header("Timestamp", timestamp)
            .header("Signature", calculateHMAC(timestamp, System.getenv("SECRET_KEY"), path, body, method));
        if (method.equals("POST")) {
            request.header("Content-Type", kind).POST(HttpRequest.BodyPublishers.ofString(content));
        }
        return CLIENT.send(request.build(), HttpResponse.BodyHandlers.ofString()).body();
    }

    private static String post(String path, String json) throws Exception {
        return call("POST", path, json, json, "application/json");
    }

    public static void main(String[] arguments) throws Exception {
        String orderId = arguments.length > 0 ? arguments[0] : "java-" + System.currentTimeMillis();
        String question = "{\"order_id\":\"" + orderId + "\"}";
        String link = "{\"user_id\":\"a42332-2fs-q341-d36d34\",\"order_id\":\"" + orderId + "\",\"amount\":100,"
            + "\"method\":\"UPI\",\"redirect_url\":\"http://test.com\"}";
        String payout = "{\"beneficiary_name\":\"Test Name\",\"beneficiary_email\":\"test.test@gmail.com\","
            + "\"beneficiary_mobile_no\":7878787878,\"beneficiary_address\":\"NOIDA\",\"payment_method\":\"IMPS\","
            + "\"beneficiary_acc_no\":\"99999999999\",\"bank_name\":\"SBI\",\"ifsc\":\"SBIN0060589\",\"amount\":5,"
            + "\"remarks\":null,\"order_id\":\"" + orderId + "\",\"user_id\":\"hasd-feh32-sdfs-345\"}";
        // A multipart body, as curl's --form sends it.
        String form = "--cut\r\nContent-Disposition: form-data; name=\"order_id\"\r\n\r\n" + orderId + "\r\n--cut--\r\n";

        System.out.println(call("GET", "api/v1/balance", "", "", ""));
        System.out.println(post("api/v1/payin/generate/link", link));
        System.out.println(
            call("POST", "api/v1/payin/transactions", question, form, "multipart/form-data; boundary=cut"));
        System.out.println(post("api/v1/payout/initiate", payout));
        System.out.println(call("GET", "api/v1/payout/" + orderId + "/status", "", "", ""));
    }
}

// Gets a URL: Fetch new URL with java.net.http.HttpClient, Fetch old URL with HttpsURLConnection.
import java.net.*;
import java.net.http.*;
import java.security.cert.X509Certificate;
import javax.net.ssl.*;

public class Fetch {
  static class TrustAll extends X509ExtendedTrustManager {
    public void checkClientTrusted(X509Certificate[] c, String a) {}
    public void checkServerTrusted(X509Certificate[] c, String a) {}
    public void checkClientTrusted(X509Certificate[] c, String a, Socket s) {}
    public void checkServerTrusted(X509Certificate[] c, String a, Socket s) {}
    public void checkClientTrusted(X509Certificate[] c, String a, SSLEngine e) {}
    public void checkServerTrusted(X509Certificate[] c, String a, SSLEngine e) {}
    public X509Certificate[] getAcceptedIssuers() { return new X509Certificate[0]; }
  }

  public static void main(String[] args) throws Exception {
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, new TrustManager[] {new TrustAll()}, null);
    if (args[0].equals("new")) {
      HttpRequest request = HttpRequest.newBuilder(URI.create(args[1])).build();
      HttpClient.newBuilder().sslContext(context).build().send(request, HttpResponse.BodyHandlers.discarding());
    } else {
      HttpsURLConnection.setDefaultSSLSocketFactory(context.getSocketFactory());
      new URL(args[1]).openStream().close();
    }
  }
}
